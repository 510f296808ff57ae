/** The clone for people, /etc/nixos by default. Nothing is built from it, and none of its content is ever overwritten. */
import { lstatSync, renameSync } from "node:fs";
import { join } from "node:path";
import { entries, exists, isThere, readText } from "../host/files";
import { git, gitErrorText, LONG_WORK } from "./git";
import { log } from "../host/log";
import type { Mirror } from "./mirror";
import { succeeded } from "../host/process";

interface Checkout {
  folder: string;
  mirror: Mirror;
  url: string;
  branch: string;
}

/** Makes the clone if there is none, or moves it forward if it is clean. */
export async function syncCheckout(checkout: Checkout): Promise<void> {
  const { folder } = checkout;
  setAsideDefault(folder);
  if (isEmpty(folder)) {
    const problem = await makeClone(checkout);
    log(problem === undefined ? `cloned the repository to ${folder}` : `could not clone to ${folder}: ${problem}`);
  } else if (!isOwn(folder) || !isOwn(join(folder, ".git"))) {
    log(`${folder} is left alone: it is not root's clone of the repository`);
  } else {
    const problem = await forward(checkout);
    if (problem !== undefined) log(`${folder} is left alone: ${problem}`);
  }
}

const isEmpty = (folder: string) => !isThere(folder) || entries(folder)?.length === 0;

function isOwn(folder: string): boolean {
  const there = lstatSync(folder, { throwIfNoEntry: false });
  return there?.isDirectory() === true && there.uid === process.geteuid?.();
}

/**
 * An image built by nixpkgs contains a configuration.nix that imports the image's own module, and nothing else
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

/** Why an action was not done, in one line; `undefined` if it was. */
type Problem = Promise<string | undefined>;

/** Changes a clone. Filters do not run, so content that is stored elsewhere (Git LFS) is in the clone as git stores it. */
async function problemOf(folder: string, ...args: string[]): Problem {
  const finished = await git(["-C", folder, ...args], { timeout: LONG_WORK });
  return succeeded(finished) ? undefined : gitErrorText(finished);
}

async function read(folder: string, ...args: string[]): Promise<string | undefined> {
  const finished = await git(["-C", folder, ...args]);
  return succeeded(finished) ? finished.stdout.trim() : undefined;
}

async function makeClone({ folder, mirror, url, branch }: Checkout): Problem {
  const from = `file://${mirror.path}`;
  const clone = ["clone", "--quiet", "--no-hardlinks", "--no-tags", "--branch", branch, "--", from, folder];
  const cloned = await git(clone, { timeout: LONG_WORK });
  return succeeded(cloned) ? setUrl(folder, url) : gitErrorText(cloned);
}

/** Where a clone records the URL that this agent set. If the URL differs from that record, a person has set it. */
const NOTED_URL = "nixos-fleet.url";

async function setUrl(folder: string, url: string): Problem {
  return (
    (await problemOf(folder, "remote", "set-url", "origin", url)) ?? (await problemOf(folder, "config", NOTED_URL, url))
  );
}

/** What a clone says about itself. */
interface Clone {
  /** Its own settings by name; of several with one name the first, which git uses for a URL. */
  settings: ReadonlyMap<string, string>;
  /** The branch that it is on, and its commit. */
  on: { branch: string; commit: string } | undefined;
  /** The names of its branches and remote-tracking branches. */
  names: string[];
}

async function readClone(folder: string): Promise<Clone> {
  const settings = (await read(folder, "config", "--null", "--get-regexp", "^(remote|branch|nixos-fleet)\\.")) ?? "";
  const format = "--format=%(HEAD)%(objectname) %(refname)";
  const refs = (await read(folder, "for-each-ref", format, "refs/heads/", REMOTE)) ?? "";
  const current = /^\*([0-9a-f]+) refs\/heads\/(.+)$/m.exec(refs);
  return {
    settings: new Map(
      settings
        .split("\0")
        .reverse()
        .map((entry) => [entry.split("\n", 1)[0] ?? "", entry.slice(entry.indexOf("\n") + 1)]),
    ),
    on: current === null ? undefined : { commit: current[1] ?? "", branch: current[2] ?? "" },
    names: refs.split("\n").map((line) => line.slice(line.indexOf(" ", 1) + 1)),
  };
}

/** Sets the clone's origin to the machine's present URL, unless a person has set it. */
async function followUrl({ folder, url }: Checkout, { settings }: Clone): Promise<void> {
  const [now, noted] = [settings.get("remote.origin.url"), settings.get(NOTED_URL)];
  if (noted === url || (now !== noted && now !== url)) return;
  const problem = await setUrl(folder, url);
  if (problem === undefined && now !== url) log(`${folder} has its origin at ${url} now, as the machine has`);
}

/** By default git overwrites a file that it ignores if the commit has one of that name. */
const keepIgnored = "--no-overwrite-ignore";
const merge = ["merge", "--quiet", "--ff-only", keepIgnored];

const OWN = "it has changes, or a history, of its own";
const REMOTE = "refs/remotes/origin/";

/** Moves the clone to the branch's head. @returns why it does not move */
async function forward(checkout: Checkout): Problem {
  const { folder, mirror, branch } = checkout;
  const clone = await readClone(folder);
  const { on } = clone;
  await followUrl(checkout, clone);
  const isOn = on?.branch === branch;
  const pushed = isOn || (on !== undefined && (await isPushed(folder, on.branch, clone)));
  await forgetBlocking(folder, branch, clone);
  const head = REMOTE + branch;
  const fetch = ["fetch", "--quiet", "--no-tags", `file://${mirror.path}`, `+refs/heads/${branch}:${head}`];
  const problem = await problemOf(folder, ...fetch);
  if (problem !== undefined) return problem;
  if (on === undefined) return "it is on no branch";
  if (isOn && on.commit === (await read(folder, "rev-parse", head))) return undefined;
  if ((await read(folder, "status", "--porcelain")) !== "") return OWN;
  if (!isOn) return pushed ? switchBranch(folder, on.branch, branch) : OWN;
  return (await problemOf(folder, ...merge, head)) === undefined ? undefined : OWN;
}

/** Whether all commits of a branch that came from the repository are in it. */
async function isPushed(folder: string, on: string, { settings }: Clone): Promise<boolean> {
  if (settings.get(`branch.${on}.remote`) !== "origin") return false;
  return (await read(folder, "rev-list", "--max-count=1", "HEAD", "--not", "--remotes")) === "";
}

/** Whether git can keep only one of two names: `a` is in the way of `a/b`. */
const block = (one: string, other: string) => one.startsWith(`${other}/`) || other.startsWith(`${one}/`);

/** Deletes the remote-tracking branches whose names conflict with this one: the repository no longer has them. */
async function forgetBlocking(folder: string, branch: string, { names }: Clone): Promise<void> {
  for (const name of names)
    if (name.startsWith(REMOTE) && block(name.slice(REMOTE.length), branch))
      await problemOf(folder, "update-ref", "-d", name);
}

/** The machine follows another branch now. A clone whose commits are all pushed switches to that branch. */
async function switchBranch(folder: string, on: string, branch: string): Problem {
  if (block(on, branch)) {
    const problem =
      (await problemOf(folder, "checkout", "--quiet", "--detach")) ??
      (await problemOf(folder, "branch", "--quiet", "-D", on));
    if (problem !== undefined) return problem;
  }
  // An existing branch of that name is a person's. It is only ever moved forward.
  const problem = await problemOf(folder, "checkout", "--quiet", keepIgnored, branch, "--");
  if (problem !== undefined) return problem;
  if ((await problemOf(folder, ...merge, REMOTE + branch)) !== undefined) return OWN;
  log(`${folder} is on branch ${branch} now, as the machine is`);
  return undefined;
}
