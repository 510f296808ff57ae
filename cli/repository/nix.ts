import type { FlakeNames } from "../../rules/flake-names";
import { FleetError, UsageError } from "../errors";
import { messageOf } from "../../rules/text/system-error";
import { flakeQuery } from "../../rules/decision/flake-place";
import { flakeFolder } from "./flake-folder";
import { git } from "./git";
import { isOlder, oldestNix } from "./nix-version";
import { runProgram, type RunOptions } from "../run-program";
import { lastLines } from "../text";
import { oneLine } from "../../rules/text/text";

/** One commit of a flake in a git repository on this machine. */
export interface Commit {
  directory: string;
  /** Full git revision, 40 hex digits. */
  revision: string;
  /** The folder of the flake; absent for the repository's top. */
  subdirectory?: string;
  /** Whether the repository is shallow, for which Nix needs a parameter. */
  shallow?: boolean;
}

/** A machine's system: how to build it, and the result. */
export interface System {
  derivation: string;
  toplevel: string;
}

const systemOf = `(_: machine:
  let inherit (machine.config.system.build) toplevel; in { derivation = toplevel.drvPath; toplevel = toplevel.outPath; })`;

/** The commit that a revision (or branch) names in a repository. @throws FleetError if there is none */
export async function commitOf(directory: string, revision: string, runOptions: RunOptions): Promise<Commit> {
  const ask = async (options: string[], values: string[] = []) =>
    (await git(directory, { command: "rev-parse", options, values }, runOptions)).trim();
  try {
    const found = await ask(["--verify", "--quiet"], [`${revision}^{commit}`]);
    const subdirectory = await flakeFolder(directory, found, runOptions);
    const top = await ask(["--show-toplevel"]);
    return { directory: top, revision: found, ...(subdirectory === undefined ? {} : { subdirectory }) };
  } catch (error) {
    runOptions.signal.throwIfAborted();
    if (error instanceof UsageError) throw error;
    throw new FleetError(
      "NF206",
      `${oneLine(directory, 200)} is not a git repository with the commit ${oneLine(revision, 60)}`,
    );
  }
}

/** The flake of exactly this commit in Nix's notation. Uncommitted changes are not part of it. */
export function flakeReference({ directory, revision, subdirectory, shallow }: Commit): string {
  const query = `rev=${revision}${shallow === true ? "&shallow=1" : ""}${flakeQuery(subdirectory)}`;
  return `git+file://${encodeURI(directory)}?${query}`;
}

/** An attribute of the flake. */
export function installable(commit: Commit, attribute: string): string {
  return `${flakeReference(commit)}#${attribute}`;
}

/** Machines of a config repository by host name, in one evaluation. @param hosts only these, as far as they exist */
export async function evaluateSystems(
  commit: Commit,
  runOptions: RunOptions,
  hosts?: readonly string[],
): Promise<Record<string, System>> {
  const flake = installable(commit, "nixosConfigurations");
  const chosen = hosts === undefined ? "machines" : `(builtins.intersectAttrs ${nixAttributes(hosts)} machines)`;
  const apply = `machines: builtins.mapAttrs ${systemOf} ${chosen}`;
  const text = await nix(["eval", "--json", "--no-update-lock-file", flake, "--apply", apply], runOptions);
  return JSON.parse(text) as Record<string, System>;
}

/** The names of a flake's systems and homes. Their values are not evaluated. An output that the flake lacks has no names. */
export async function namesOf(commit: Commit, runOptions: RunOptions): Promise<FlakeNames> {
  const hosts = await attributesOf(commit, "nixosConfigurations", runOptions);
  return { hosts, homes: await attributesOf(commit, "homeConfigurations", runOptions) };
}

/**
 * The names of the homes in a flake of someone who may change nothing here: the flake sets nothing of Nix, and its evaluation builds nothing.
 */
export function foreignHomeNamesOf(commit: Commit, runOptions: RunOptions): Promise<string[]> {
  return attributesOf(commit, "homeConfigurations", runOptions, [
    ...["--option", "accept-flake-config", "false"],
    ...["--option", "allow-import-from-derivation", "false"],
  ]);
}

async function attributesOf(
  commit: Commit,
  output: string,
  runOptions: RunOptions,
  options: readonly string[] = [],
): Promise<string[]> {
  const flake = installable(commit, output);
  const args = ["eval", "--json", "--no-update-lock-file", ...options, flake, "--apply", "builtins.attrNames"];
  try {
    return JSON.parse(await nix(args, { ...runOptions, progress: false })) as string[];
  } catch (error) {
    if (/does not provide attribute/.test(messageOf(error))) return [];
    throw error;
  }
}

/** An attribute set with these names, in Nix. JSON's strings are the same as Nix strings except for `${`. */
function nixAttributes(names: readonly string[]): string {
  const json = JSON.stringify(Object.fromEntries(names.map((name) => [name, true])));
  return `(builtins.fromJSON ${JSON.stringify(json).replaceAll("${", "\\${")})`;
}

/**
 * Builds derivations, or an installable, and returns the store paths.
 * @param link protects the first result from garbage collection
 * @param builders build machines, in the format of Nix's setting of this name; by default those of this machine's nix.conf
 */
export async function buildAll(
  what: readonly string[],
  runOptions: RunOptions,
  { link, builders }: { link?: string | undefined; builders?: string | undefined } = {},
): Promise<string[]> {
  const keep = link === undefined ? ["--no-link"] : ["--out-link", link];
  const remote = builders === undefined ? [] : ["--builders", builders];
  const text = await nix(
    ["build", "--print-out-paths", "--no-update-lock-file", ...keep, ...remote, ...what],
    runOptions,
  );
  return text.split("\n").filter((line) => line !== "");
}

/** The differences between the closures of two paths in this machine's store, one line per package: `firefox: 1.0 → 1.1, +12.0 KiB`. */
export async function closureDifference(before: string, after: string, runOptions: RunOptions): Promise<string[]> {
  const text = await nix(["store", "diff-closures", before, after], runOptions);
  return lastLines(text, Infinity);
}

/** Copies paths with their closures into the directory of a binary cache, signed with a key from a file. */
export async function copyToCache(
  paths: readonly string[],
  directory: string,
  keyFile: string,
  runOptions: RunOptions,
): Promise<void> {
  const query = new URLSearchParams({ compression: "zstd", "secret-key": keyFile }).toString();
  await nix(["copy", "--to", `file://${directory}?${query}`, ...paths], runOptions);
}

/** Signs paths with their closures, and copies them to any store that Nix knows, such as `s3://BUCKET` or `ssh://HOST`. */
export async function copyTo(
  paths: readonly string[],
  store: string,
  keyFile: string | undefined,
  runOptions: RunOptions,
): Promise<void> {
  if (keyFile !== undefined) await nix(["store", "sign", "--recursive", "--key-file", keyFile, ...paths], runOptions);
  await nix(["copy", "--to", store, ...paths], runOptions);
}

/** The paths and their closures. */
export async function closureOf(paths: readonly string[], runOptions: RunOptions): Promise<string[]> {
  const text = await nix(["path-info", "--recursive", ...paths], runOptions);
  return text.split("\n").filter((line) => line !== "");
}

/** Runs nix with flakes, shows its progress on standard error, and returns its output. @throws FleetError with Nix's own reason */
export async function nix(args: readonly string[], runOptions: RunOptions): Promise<string> {
  try {
    return await runProgram("nix", ["--extra-experimental-features", "nix-command flakes", ...args], {
      progress: true,
      ...runOptions,
    });
  } catch (error) {
    runOptions.signal.throwIfAborted();
    // An old Nix's messages about options and flakes that it does not know do not help.
    const text = await runProgram("nix", ["--version"], { ...runOptions, progress: false }).catch(() => "");
    const version = / (\d+\.\d+)[\w.]*$/.exec(text.trim())?.[1];
    if (version === undefined || !isOlder(version, oldestNix)) throw error;
    throw new FleetError(
      "NF207",
      `this is Nix ${version}, which is too old; ${oldestNix.join(".")} or newer is needed`,
    );
  }
}
