/**
 * Updates `flake.lock` in the operator's clone of the config repository and pushes it. Nix works in a temporary copy: it has none of the
 * clone's filters, such as git-crypt's, and a kill leaves nothing in the clone. The clone is updated after the push. If anything fails
 * before the push, the clone is unchanged.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { flakeFile } from "../../rules/decision/flake-place";
import { lockChangeLine, lockChanges, lockInputs, type LockChange } from "../../rules/lock/flake-lock";
import { FleetError, UsageError } from "../errors";
import { messageOf } from "../../rules/text/system-error";
import { flakeFolder } from "./flake-folder";
import { askClone, git } from "./git";
import { nix } from "./nix";
import type { RunOptions } from "../run-program";
import { oneLine } from "../../rules/text/text";

/** The result; `revision` is null if nothing newer was found. */
export interface LockUpdate {
  clone: string;
  branch: string;
  /** The revision before. */
  before: string;
  /** The pushed revision. */
  revision: string | null;
  changes: LockChange[];
  /** Why the clone itself could not be updated to the pushed revision; null if it was. */
  cloneProblem: string | null;
}

/** The clone's present state. */
interface Clone {
  top: string;
  branch: string;
  head: string;
  remote: string;
  /** The branch's name at the remote. */
  upstream: string;
}

/** Updates these inputs, or all. @throws FleetError with one line; the clone is then unchanged */
export async function updateLock(
  directory: string,
  inputs: readonly string[],
  runOptions: RunOptions,
): Promise<LockUpdate> {
  const clone = await openClone(directory, runOptions);
  const folder = await flakeFolder(directory, clone.head, runOptions);
  const name = flakeFile(folder, "flake.lock");
  // The contract of all parts is in no config repository.
  if (existsSync(join(clone.top, folder ?? ".", "contract.json")))
    throw new FleetError(
      "NF206",
      `${clone.top} is nixos-fleet itself, whose lock no VM follows; name the clone of the config repository with --clone`,
    );
  const before = await git(clone.top, { command: "show", values: [`HEAD:${name}`] }, runOptions).catch(() => {
    throw new FleetError(
      "NF206",
      `${clone.top} has no ${name} in its last commit; name the clone of the config repository`,
    );
  });
  const known = attempt(() => lockInputs(before));
  for (const input of inputs) {
    if (!known.includes(input)) {
      throw new UsageError(oneLine(`lock: there is no input ${input}; the lock has ${known.join(", ")}`, 400));
    }
  }
  const scratch = mkdtempSync(join(tmpdir(), "fleet-lock-"));
  const [work, index] = [join(scratch, "config"), join(scratch, "index")];
  try {
    const sharing = ["--quiet", "--shared", "--no-checkout"];
    await git(scratch, { command: "clone", options: sharing, values: [clone.top, work] }, runOptions);
    await git(work, { command: "checkout", options: ["--quiet", "--detach"], values: [clone.head] }, runOptions);
    await nix(["flake", "update", ...inputs], { ...runOptions, cwd: join(work, folder ?? "."), progress: false });
    const file = join(work, name);
    const after = await readFile(file, "utf8");
    const changes = attempt(() => lockChanges(before, after));
    const result = { clone: clone.top, branch: clone.branch, before: clone.head, changes, cloneProblem: null };
    if (after === before) {
      return { ...result, revision: null };
    }
    const revision = await commitLock(clone, { file, name }, index, commitMessage(changes), runOptions);
    // Never forced: if someone else pushed in the meantime, the push is refused.
    const pushed = [clone.remote, `${revision}:${clone.upstream}`];
    await git(clone.top, { command: "push", options: ["--quiet"], values: pushed }, runOptions);
    const merge = { command: "merge", options: ["--quiet", "--ff-only"], values: [revision] };
    const cloneProblem = await git(clone.top, merge, runOptions).then(() => null, messageOf);
    return { ...result, revision, cloneProblem };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Commits only the new lock on top of the clone's head, without touching its index or files. @returns the full revision */
async function commitLock(
  { top, head }: Clone,
  { file, name }: { file: string; name: string },
  index: string,
  message: string,
  runOptions: RunOptions,
): Promise<string> {
  const indexed = { ...runOptions, env: { ...(runOptions.env ?? process.env), GIT_INDEX_FILE: index } };
  const run = async (command: string, options: string[], values: string[] = [], paths: string[] = []) =>
    (await git(top, { command, options, values, paths }, indexed)).trim();
  const mode = (await run("ls-tree", [], [head], [name])).slice(0, 6);
  if (!mode.startsWith("100"))
    throw new FleetError("NF206", `${name} in ${top} is not a plain file; commit the file itself`);
  await run("read-tree", [], [head]);
  const blob = await run("hash-object", ["-w", `--path=${name}`], [file]);
  await run("update-index", ["--cacheinfo", `${mode},${blob},${name}`]);
  const tree = await run("write-tree", []);
  const signs = await run("config", ["--type=bool"], ["commit.gpgSign"]).catch(() => "false");
  return run("commit-tree", [...(signs === "true" ? ["-S"] : []), "-p", head, "-m", message], [tree]);
}

/** The clone. It must be clean, on a branch and equal to its remote. */
async function openClone(directory: string, runOptions: RunOptions): Promise<Clone> {
  const ask = async (command: string, options: string[], values: string[] = []) =>
    (await git(directory, { command, options, values }, runOptions)).trim();
  const top = await askClone(directory, "--show-toplevel", runOptions);
  const dirty = await ask("status", ["--porcelain", "--untracked-files=no"]);
  if (dirty !== "") {
    throw new FleetError(
      "NF206",
      oneLine(`${top} has changes that are not committed (${dirty}); commit or stash them first`, 400),
    );
  }
  const branch = await ask("symbolic-ref", ["--quiet", "--short"], ["HEAD"]).catch(() => {
    throw new FleetError("NF206", `${top} is on no branch; check out the one that the fleet follows`);
  });
  const [remote, upstream] = await Promise.all([
    ask("config", [], [`branch.${branch}.remote`]),
    ask("config", [], [`branch.${branch}.merge`]),
  ]).catch(() => {
    throw new FleetError(
      "NF206",
      `branch ${branch} of ${top} follows no remote branch; git push --set-upstream sets it`,
    );
  });
  if (remote === ".") {
    throw new FleetError(
      "NF206",
      oneLine(
        `branch ${branch} of ${top} follows another branch of the same clone (${upstream}), so nothing would be pushed; ` +
          `git branch --set-upstream-to=origin/${branch} follows the remote`,
      ),
    );
  }
  await ask("fetch", ["--quiet"], [remote, upstream]);
  const [head, there] = [await ask("rev-parse", [], ["HEAD"]), await ask("rev-parse", [], ["FETCH_HEAD"])];
  if (head !== there) {
    const [ahead, behind] = (await ask("rev-list", ["--left-right", "--count"], [`${head}...${there}`])).split(/\s+/);
    throw new FleetError(
      "NF206",
      `${top} is ${ahead ?? "?"} commits ahead of ${remote} and ${behind ?? "?"} behind; pull or push first`,
    );
  }
  return { top, branch, head, remote, upstream };
}

/** `flake.lock: nixpkgs 8eeec93 → 391b592, 37 days later`, or the inputs' names and a line for each. */
function commitMessage(changes: readonly LockChange[]): string {
  const [only, ...more] = changes;
  if (only === undefined) {
    return "flake.lock: rewritten, no input changes";
  }
  if (more.length === 0) {
    return `flake.lock: ${lockChangeLine(only)}`;
  }
  return [`flake.lock: ${changes.map(({ input }) => input).join(", ")}`, "", ...changes.map(lockChangeLine)].join("\n");
}

function attempt<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new FleetError("NF206", messageOf(error));
  }
}
