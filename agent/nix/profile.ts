/** Profiles: which generation to boot, or to log in to. */
import { basename, dirname, join } from "node:path";
import { entries, linkTarget, makeFolder, remove } from "../host/files";
import { diskProblem } from "../../rules/decision/failure";
import type { FailedSwitch } from "../driver";
import { lastLine } from "../host/log";
import { type Finished, run, succeeded } from "../host/process";

const TIMEOUT = 300_000;

function runNixEnv(profile: string, args: readonly string[]): Promise<Finished> {
  return run("nix-env", ["--profile", profile, ...args], { timeout: TIMEOUT, tee: true });
}

async function nixEnv(profile: string, args: readonly string[]): Promise<boolean> {
  return succeeded(await runNixEnv(profile, args));
}

/** @returns how it failed; `undefined` if the profile is set */
export async function setProfile(profile: string, path: string): Promise<FailedSwitch | undefined> {
  makeFolder(dirname(profile));
  const finished = await runNixEnv(profile, ["--set", path]);
  if (succeeded(finished)) return undefined;
  const why = lastLine(finished.output);
  const passes = passesOf(finished);
  return {
    kind: "failed",
    error: `could not set the profile ${profile}${why === "" ? "" : `: ${why}`}`,
    // Where the disk is full, half of it may be there.
    ...(passes === "busy" ? { passes, unchanged: true } : { passes }),
  };
}

/** Keeps a path from garbage collection while the link is there. @returns how that failed */
export async function addRoot(link: string, path: string): Promise<FailedSwitch | undefined> {
  const finished = await run("nix-store", ["--realise", path, "--add-root", link], { timeout: 60_000 });
  if (succeeded(finished)) return undefined;
  const error = `could not set ${link}: ${lastLine(finished.output)}`;
  return { kind: "failed", error, passes: passesOf(finished), unchanged: true };
}

/** The path is built, so the disk or the Nix daemon is the cause. */
function passesOf({ output }: Finished): "space" | "busy" {
  return diskProblem(output) === undefined ? "busy" : "space";
}

/**
 * Goes back to the generation that has the old path (a new one if that is gone) and deletes the generations that have the bad path, if
 * there is one.
 */
export async function revertProfile(
  profile: string,
  old: string | undefined,
  bad: string | undefined,
): Promise<boolean> {
  if (old === undefined) {
    remove(profile);
  } else {
    const number = generations(profile).findLast(({ path }) => path === old)?.number;
    const set = number === undefined ? ["--set", old] : ["--switch-generation", String(number)];
    if (!(await nixEnv(profile, set))) return false;
  }
  for (const { link, path } of generations(profile)) if (path !== undefined && path === bad) remove(link);
  return true;
}

/** Keeps the newest generations, the current one and those of these paths. */
export async function pruneProfile(profile: string, keep: number, paths: readonly string[]): Promise<boolean> {
  const current = join(dirname(profile), linkTarget(profile) ?? "");
  const old = generations(profile)
    .slice(0, -keep)
    .filter(({ link, path }) => link !== current && (path === undefined || !paths.includes(path)));
  return old.length === 0 || nixEnv(profile, ["--delete-generations", ...old.map(({ number }) => String(number))]);
}

/** The generations of a profile, oldest first. */
function generations(profile: string): { number: number; link: string; path: string | undefined }[] {
  const name = basename(profile);
  return (entries(dirname(profile)) ?? [])
    .flatMap((entry) => {
      const number = entry.startsWith(`${name}-`) ? /^(\d+)-link$/.exec(entry.slice(name.length + 1))?.[1] : undefined;
      if (number === undefined) return [];
      const link = join(dirname(profile), entry);
      return [{ number: Number(number), link, path: linkTarget(link) }];
    })
    .sort((one, other) => one.number - other.number);
}
