import { short } from "../../rules/contract";
import { lockChanges, type LockChange } from "../../rules/lock/flake-lock";
import { compareClosures } from "../repository/closures";
import { fleetOptions, revisionOptions, type Call, type Command } from "../command-line/command";
import { findRevision } from "../repository/branches";
import { filesBetween, headOf, lockAt, withCommits } from "../repository/config-repository";
import { openFleet, requireVms, type FleetContext } from "../context";
import { diffLines, groupClosures, planMoves, type FleetDiff, type Move, type MoveDiff } from "../repository/diff";
import { FleetError, UsageError } from "../errors";
import { messageOf } from "../../rules/text/system-error";
import { readAllReports, readDecisions, readVms, type FleetVm, type Source } from "../fleet";
import { askClone } from "../repository/git";
import { nix } from "../repository/nix";
import { checkRevision, configSource, resolveRevision } from "../revisions";
import { buildStatus, type FleetStatus } from "../status/status";

export const command: Command = {
  name: "diff",
  usage: "[VM…] [--head | --to REVISION] [--no-closures]",
  description: [
    "Compares what each VM runs with its desired revision: the changed inputs of flake.lock, other files, and the packages of",
    "the two systems, if you have nix and the systems are in a cache or can be built. VMs with the same changes share an entry.",
    "Reads commits from your clone of the config repository, or from the repository itself if the clone lacks them.",
  ],
  examples: ["diff dev-alice", "diff --head --no-closures", "diff --json | jq -r '.moves[].inputs[].link'"],
  options: {
    head: { description: "with the branch's head, which the next pulumi up approves" },
    to: { value: "REVISION", description: "with this revision" },
    "no-closures": { description: "leave the packages out: nothing is evaluated, downloaded or built" },
    clone: {
      value: "DIRECTORY",
      env: "NIXOS_FLEET_CONFIG_CLONE",
      complete: "directory",
      description: "the clone; by default the directory you are in",
    },
    json: { description: "the same as one JSON document" },
    ...revisionOptions,
    ...fleetOptions,
  },
  positionals: { least: 0, most: 1_000 },
  async run(call) {
    const { options } = call;
    const to = options.text("to");
    if (to !== undefined && options.flag("head")) {
      throw new UsageError("diff: --head and --to cannot be combined");
    }
    if (to !== undefined) checkRevision("diff", to);
    const context = await openFleet(call);
    const names = call.positionals;
    const vms = names.length === 0 ? await readVms(context.compute, context.id) : await requireVms(context, names);
    const clone = call.options.text("clone");
    // If it is none, commits would be read elsewhere, without a word.
    if (clone !== undefined) await askClone(clone, "--git-dir", { signal: call.signal, env: call.env });
    const source = configSource(call, vms);
    const status = await statusOf(context, vms);
    const target = await targetOf(call, context, status, source);
    const planned = planMoves(status, target);
    const closures = await withoutClosures(call, planned.moves.length);
    const moves: MoveDiff[] = [];
    for (const move of planned.moves) {
      moves.push(await compare(call, move, { vms, status, source, closures: closures === null }));
    }
    const { fleet, stack, at } = status;
    const document: FleetDiff = { fleet, stack, at, ...planned, moves, closures: closures === "" ? null : closures };
    const what = target === undefined ? "what is wanted" : short(target);
    (options.flag("json") ? [JSON.stringify(document, null, 2)] : diffLines(document, what)).forEach(call.print);
    return moves.some((move) => move.closures.some(({ problem }) => problem !== null)) ? 1 : 0;
  },
};

/** These VMs' status. */
async function statusOf({ compute, id }: FleetContext, vms: readonly FleetVm[]): Promise<FleetStatus> {
  const [metadata, reports] = await Promise.all([compute.projectMetadata(), readAllReports(compute, vms)]);
  return buildStatus(id, vms, readDecisions(metadata, id), reports, new Date());
}

/** The one revision that the call names; undefined if it is what is wanted of each VM. */
async function targetOf(
  call: Call,
  context: FleetContext,
  { approvals }: FleetStatus,
  source: Source | undefined,
): Promise<string | undefined> {
  const to = call.options.text("to");
  if (to !== undefined) {
    return resolveRevision("diff", to, Object.values(approvals), context, call);
  }
  if (!call.options.flag("head")) {
    return undefined;
  }
  if (source === undefined) {
    throw new FleetError("NF209", "no VM's metadata names the config repository; give the revision with --to");
  }
  return headOf(source, call);
}

/** Null if closures are to be compared; otherwise why they are not, empty if they are not wanted. */
async function withoutClosures(call: Call, moves: number): Promise<string | null> {
  if (call.options.flag("no-closures") || moves === 0) {
    return "";
  }
  return nix(["--version"], { signal: call.signal, env: call.env }).then(
    () => null,
    (error: unknown) => `the packages are not compared: ${messageOf(error)}`,
  );
}

async function compare(
  call: Call,
  move: Move,
  {
    vms,
    status,
    source,
    closures,
  }: { vms: FleetVm[]; status: FleetStatus; source: Source | undefined; closures: boolean },
): Promise<MoveDiff> {
  const clone = call.options.text("clone") ?? process.cwd();
  const runOptions = { signal: call.signal, env: call.env };
  return withCommits([move.from, move.to], { clone, source }, runOptions, async (repository) => {
    const from = { ...repository, revision: move.from };
    const to = { ...repository, revision: move.to };
    const [before, after] = await Promise.all([lockAt(from, runOptions), lockAt(to, runOptions)]);
    const files = await filesBetween(from, to, runOptions);
    const machines = status.vms.flatMap(({ name, system }) => {
      const host = vms.find((vm) => vm.name === name)?.host ?? name;
      return move.vms.includes(name) ? [{ vm: name, host, toplevel: system?.toplevel ?? "" }] : [];
    });
    // A VM may name any commit, and a server also hands out those of pull requests and forks.
    const checkOld = async () => source && findRevision(source, move.from, runOptions);
    const found = closures ? await compareClosures(from, to, machines, runOptions, checkOld) : new Map<string, never>();
    return { ...move, inputs: changesOf(before, after), files, closures: groupClosures(found) };
  });
}

function changesOf(before: string | undefined, after: string | undefined): LockChange[] | null {
  try {
    return before === undefined || after === undefined ? null : lockChanges(before, after);
  } catch {
    return null;
  }
}
