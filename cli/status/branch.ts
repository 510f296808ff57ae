/** The branches that VMs follow: where their heads are, and how far those are past what a VM runs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../rules/text/system-error";
import type { FleetVm, Source } from "../fleet";
import type { RunOptions } from "../run-program";
import { git } from "../repository/git";
import { oneLine } from "../../rules/text/text";
import { repositoryKey } from "../../rules/rollout/approval";

/** Milliseconds that the repositories may take. After that, a status shows everything else without them. */
const patience = 3_000;
/** Number of commits that are read of a branch. */
const commits = 500;

/** A branch as read from its repository, or why it could not be read. */
export interface Branch extends Source {
  /** The full revision at its end; null if the repository could not be read. */
  head: string | null;
  problem: string | null;
  /** Its last commits, each with its parents. */
  parents: ReadonlyMap<string, readonly string[]>;
  /** When each of these was committed, in RFC 3339. */
  dates: ReadonlyMap<string, string>;
}

/**
 * Reads the branches that VMs follow by themselves. Never fails, and ends within a few seconds whatever the repositories do.
 * @param from where to read all of them, if not from the VMs' own URLs
 */
export async function readBranches(
  vms: readonly Pick<FleetVm, "follow" | "source">[],
  from: string | undefined,
  runOptions: RunOptions,
  milliseconds = patience,
): Promise<Branch[]> {
  const followed = vms.flatMap(({ follow, source }) => (follow === "branch" && source !== undefined ? [source] : []));
  const distinct = [...new Map(followed.map((source) => [repositoryKey(source), source])).values()];
  const signal = AbortSignal.any([runOptions.signal, AbortSignal.timeout(milliseconds)]);
  return Promise.all(
    distinct.map(async (source) => {
      const read = readBranch(source, from ?? source.repository, { ...runOptions, signal, killAfter: 500 });
      try {
        return { ...source, ...(await read), problem: null };
      } catch (error) {
        const why = signal.aborted ? `no answer within ${milliseconds / 1_000} s` : messageOf(error);
        const nothing = { parents: new Map<string, string[]>(), dates: new Map<string, string>() };
        return { ...source, head: null, ...nothing, problem: oneLine(why, 200) };
      }
    }),
  );
}

async function readBranch({ branch }: Source, repository: string, runOptions: RunOptions) {
  const directory = mkdtempSync(join(tmpdir(), "fleet-branch-"));
  try {
    const run = (command: string, options: string[], values: string[] = []) =>
      git(directory, { command, options, values }, runOptions);
    await run("init", ["--quiet", "--bare"]);
    const options = ["--quiet", "--no-tags", `--depth=${commits}`, "--filter=tree:0"];
    await run("fetch", options, [repository, `+refs/heads/${branch}:refs/heads/fleet`]);
    const log = await run("log", ["--format=%H %ct %P"], ["refs/heads/fleet"]);
    const lines = log.split("\n").filter((line) => line !== "");
    const entries = lines.map((line) => line.split(" ").filter(Boolean));
    const parents = new Map(entries.map(([revision = "", , ...others]) => [revision, others]));
    const dates = new Map(
      entries.map(([revision = "", seconds]) => [revision, new Date(Number(seconds) * 1_000).toISOString()]),
    );
    return { head: entries[0]?.[0] ?? null, parents, dates };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The part of a branch that matters to a VM; undefined if its head is unknown. Pure. */
export function branchFor(
  branches: readonly Branch[],
  { source }: Pick<FleetVm, "source">,
  revision: string | undefined,
): { head: string; ahead: number | undefined } | undefined {
  const branch = branches.find((one) => one.repository === source?.repository && one.branch === source.branch);
  if (branch === undefined || branch.head === null) return undefined;
  return { head: branch.head, ahead: commitsPast(branch, revision) };
}

/** When a revision was committed, if it is among the branches' last commits. */
export function dateOf(branches: readonly Branch[], revision: string | undefined): string | undefined {
  return branches.map(({ dates }) => dates.get(revision ?? "")).find((date) => date !== undefined);
}

/** How many commits of a branch a revision on it lacks; undefined if the revision is not among the branch's last commits. */
function commitsPast({ head, parents }: Branch, revision: string | undefined): number | undefined {
  if (head === null || revision === undefined || !parents.has(revision)) return undefined;
  const behind = reachable(parents, revision);
  return [...reachable(parents, head)].filter((one) => !behind.has(one)).length;
}

function reachable(parents: ReadonlyMap<string, readonly string[]>, from: string): Set<string> {
  const found = new Set<string>();
  const left = [from];
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    if (found.has(one) || !parents.has(one)) continue;
    found.add(one);
    left.push(...(parents.get(one) ?? []));
  }
  return found;
}
