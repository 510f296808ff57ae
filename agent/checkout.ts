/** The clone for people, /etc/nixos by default. Nothing is built from it, and nothing in it is ever overwritten. */
import { lstatSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { exists, isThere, readText } from "./files";
import { git } from "./git";
import { log } from "./log";
import type { Mirror } from "./mirror";
import { succeeded } from "./process";

export interface Checkout {
  folder: string;
  mirror: Mirror;
  url: string;
  branch: string;
}

/** Makes the clone where there is nothing yet, else moves it forward where it is clean. */
export async function syncCheckout(checkout: Checkout): Promise<void> {
  const { folder } = checkout;
  setAsideDefault(folder);
  if (isEmpty(folder)) {
    if (await makeClone(checkout)) log(`cloned the repository to ${folder}`);
    else log(`could not clone the repository to ${folder}`);
  } else if (!isOwn(folder) || !isOwn(join(folder, ".git"))) {
    log(`${folder} is left alone: it is not root's clone of the repository`);
  } else if (!(await forward(checkout))) {
    log(`${folder} is left alone: it has changes, or a history, of its own`);
  }
}

function entries(folder: string): string[] | undefined {
  try {
    return readdirSync(folder);
  } catch {
    return undefined;
  }
}

const isEmpty = (folder: string) => !isThere(folder) || entries(folder)?.length === 0;

function isOwn(folder: string): boolean {
  const there = lstatSync(folder, { throwIfNoEntry: false });
  return there?.isDirectory() === true && there.uid === process.geteuid?.();
}

/**
 * An image of nixpkgs' comes with a configuration.nix that imports what the image is, and nothing else
 * (nixos/modules/virtualisation/google-compute-image.nix).
 */
function setAsideDefault(folder: string): void {
  const names = entries(folder) ?? [];
  if (names.length !== 1 || names[0] !== "configuration.nix") return;
  const text = (readText(join(folder, "configuration.nix")) ?? "").replace(/\s/g, "");
  if (!/^\{\.\.\.\}:\{imports=\[<nixpkgs\/nixos\/modules\/virtualisation\/[^>]*>\];\}$/.test(text)) return;
  if (exists(`${folder}.image`)) return;
  renameSync(folder, `${folder}.image`);
  log(`the image's own ${folder} is now ${folder}.image`);
}

async function makeClone({ folder, mirror, url, branch }: Checkout): Promise<boolean> {
  const from = `file://${mirror.path}`;
  const clone = ["clone", "--quiet", "--no-hardlinks", "--no-tags", "--branch", branch, "--", from, folder];
  if (!succeeded(await git(clone))) return false;
  return ok(folder, "remote", "set-url", "origin", url);
}

async function ok(folder: string, ...args: string[]): Promise<boolean> {
  return succeeded(await git(["-C", folder, ...args]));
}

async function read(folder: string, ...args: string[]): Promise<string | undefined> {
  const finished = await git(["-C", folder, ...args]);
  return succeeded(finished) ? finished.stdout.trim() : undefined;
}

async function forward({ folder, mirror, branch }: Checkout): Promise<boolean> {
  const head = `refs/remotes/origin/${branch}`;
  const fetch = ["fetch", "--quiet", "--no-tags", `file://${mirror.path}`, `+refs/heads/${branch}:${head}`];
  if (!(await ok(folder, ...fetch))) return false;
  const on = await read(folder, "symbolic-ref", "--short", "HEAD");
  if (on === undefined) return false;
  const [here, there] = [await read(folder, "rev-parse", "HEAD"), await read(folder, "rev-parse", head)];
  if (on === branch && here === there) return true;
  if ((await read(folder, "status", "--porcelain")) !== "") return false;
  if (on === branch) return ok(folder, "merge", "--quiet", "--ff-only", head);
  return switchBranch(folder, on, branch);
}

/** The machine follows another branch now: a clone whose commits are all pushed follows it there. */
async function switchBranch(folder: string, on: string, branch: string): Promise<boolean> {
  const pushed = await read(folder, "rev-list", "--max-count=1", "HEAD", "--not", "--remotes");
  const former = await read(folder, "config", "--get", `branch.${on}.remote`);
  if (pushed !== "" || former !== "origin") return false;
  // A branch of that name that is there is a person's, and moves forward or not at all.
  if (!(await ok(folder, "checkout", "--quiet", branch, "--"))) return false;
  if (!(await ok(folder, "merge", "--quiet", "--ff-only", `refs/remotes/origin/${branch}`))) return false;
  log(`${folder} is on branch ${branch} now, as the machine is`);
  return true;
}
