/** The revisions that a wave is approved for: the head of the config repository and of homes' own repositories. */
import { groupEntries } from "../../rules/group-entries";
import pMap from "p-map";
import { short } from "../../rules/contract";
import { parseKeyPlace } from "../../rules/deploy-keys";
import { repositoriesAtOnce } from "../../rules/git-arguments";
import { lockChanges } from "../../rules/lock/flake-lock";
import type { Manifest } from "./manifest";
import { type Patience, resolveRevision, type Revision } from "./revision";
import type { Approval } from "../../rules/rollout/approval";
import { own } from "../../rules/text/json";
import type { Home } from "../../rules/instance-metadata";
import { repositoryKey } from "../../rules/rollout/approval";

/**
 * The revisions that were resolved for this run, and where the system was already built; `homes` by the contract's key,
 * `<repository>#<branch>`.
 */
export interface Resolved {
  system: Revision & { manifest?: Manifest };
  homes: Record<string, Revision>;
}

interface Keeper {
  homes: readonly Home[];
}

/** A home's repository and its key, see `homeSources`. */
type Source = [key: string, { repository: string; branch: string }];

/** A home's repository is waited for no longer: the rollout does not need it, and its developer may have chosen its server. */
const HOME_PATIENCE: Patience = { silence: 15_000, total: 120_000 };

/** How many servers are asked beside each other, so that a silent one keeps the homes of few others waiting. */
const SERVERS_AT_ONCE = 8;

/** The repositories of these VMs' homes, other than the config repository, by the key under which they are approved. */
export function homeSources(vms: readonly Keeper[]): Record<string, { repository: string; branch: string }> {
  const own = vms
    .flatMap(({ homes }) => homes)
    .flatMap(({ repository, branch = "main" }) =>
      repository === undefined ? [] : [[repositoryKey({ repository, branch }), { repository, branch }] as const],
    );
  return Object.fromEntries(own);
}

/**
 * The heads of those repositories, and a warning for each that cannot be read or approved. A developer's own repository must not keep the
 * system's update from the fleet, so its homes are then not in the approvals of a new revision.
 */
export async function resolveHomes(
  vms: readonly Keeper[],
  patience = HOME_PATIENCE,
): Promise<{ homes: Record<string, Revision>; warnings: string[] }> {
  const warnings: string[] = [];
  const homes: Record<string, Revision> = {};
  const resolve = async ([key, { repository, branch }]: Source) => {
    try {
      homes[key] = await resolveRevision(repository, branch, undefined, { patience });
    } catch (error) {
      const { message } = error as Error;
      warnings.push(`vms: a home's repository: ${message}; a new revision is approved without the homes from it`);
    }
  };
  const servers = groupEntries(
    Object.entries(homeSources(vms)).map((source) => [parseKeyPlace(source[1].repository)?.host, source] as const),
  );
  const readAll = (sources: Source[]) => pMap(sources, resolve, { concurrency: repositoriesAtOnce });
  await pMap(servers.values(), readAll, { concurrency: SERVERS_AT_ONCE });
  return { homes, warnings: warnings.sort() };
}

/** The other fields of an approval: the source of the revision, as the VMs know it. */
interface ApprovalSource {
  repository: string;
  branch: string;
  /** The folder that contains the flake; absent for the top. */
  subdirectory?: string | undefined;
  /** The revision for which VMs ignore windows and pauses. */
  urgent?: string | undefined;
  /** Why, for people. */
  urgentWhy?: string | undefined;
}

/**
 * The approval of a wave with these VMs. Of home repositories it names only those that its VMs' homes come from.
 * @param present the present approvals of this wave, if it has one, and then of the others. A home's repository that was not resolved stays
 * approved as it is there for the same system. What is approved for it beside another system would lead it back from what it runs.
 */
export function approvalOf(
  vms: readonly Keeper[],
  { system, homes }: Resolved,
  { repository, branch, subdirectory, urgent, urgentWhy }: ApprovalSource,
  present: readonly Approval[] = [],
): Approval {
  const known = present.filter(({ revision }) => revision === system.revision);
  const keys = Object.keys(homeSources(vms)).sort();
  const approved = keys.flatMap((key) => {
    const [home] = [homes, ...known.map((approval) => approval.homes)].flatMap((found) => own(found, key) ?? []);
    return home === undefined ? [] : [[key, { revision: home.revision, lock: home.lock }] as const];
  });
  return {
    revision: system.revision,
    lock: system.lock,
    repository,
    branch,
    ...(subdirectory === undefined ? {} : { subdirectory }),
    ...(system.manifest === undefined ? {} : { manifest: system.manifest }),
    ...(approved.length === 0 ? {} : { homes: Object.fromEntries(approved) }),
    ...(urgent === system.revision ? { urgent: true, ...(urgentWhy === undefined ? {} : { why: urgentWhy }) } : {}),
  };
}

/**
 * A lock's own inputs, by name: `8eeec93 of 2026-07-14`. The same at every run of one revision, so it causes no change by itself; empty if
 * the text is not a lock.
 */
export function lockHolds(lock: string): Record<string, string> {
  const inputs = (changesBetween("{}", lock) ?? []).filter(({ input }) => !input.includes("/"));
  return Object.fromEntries(
    inputs.map(({ input, after }) => [
      input,
      `${after?.revision ? short(after.revision) : "?"} of ${after?.at?.slice(0, 10) ?? "?"}`,
    ]),
  );
}

/** The content of a lock in one line, for a gate's environment; undefined if it has no inputs. */
export function lockText(lock: string): string | undefined {
  const texts = Object.entries(lockHolds(lock)).map((entry) => entry.join(" "));
  return texts.length === 0 ? undefined : texts.join(", ").slice(0, 1000);
}

/**
 * The inputs of all waves' locks, so that a preview shows which of them change: `8eeec93 of 2026-07-14`, or, if waves have different ones,
 * `391b592 of 2026-08-20 in canary; 8eeec93 of 2026-07-14 in rest`.
 * @param approvals wave → what it is approved for
 * @param locks revision → its lock; for a wave whose lock cannot be read, the text says so
 */
export function inputsOf(
  approvals: Readonly<Record<string, Pick<Approval, "revision">>>,
  locks: Readonly<Record<string, string>>,
): Record<string, string> {
  const held = Object.entries(approvals).map(([wave, { revision }]) => {
    const text = locks[revision];
    return { wave, inputs: text === undefined ? undefined : lockHolds(text) };
  });
  const names = [...new Set(held.flatMap(({ inputs = {} }) => Object.keys(inputs)))].sort();
  return Object.fromEntries(
    names.map((name) => {
      const texts = held.map(({ inputs }) => (inputs === undefined ? "unknown" : (inputs[name] ?? "none")));
      const different = [...new Set(texts)];
      const [only] = different;
      if (different.length === 1 && only !== undefined) return [name, only];
      const wavesWith = (text: string) => held.flatMap(({ wave }, index) => (texts[index] === text ? [wave] : []));
      return [name, different.map((text) => `${text} in ${wavesWith(text).join(", ")}`).join("; ")];
    }),
  );
}

/** What differs between two locks; undefined if one of them is not a lock. */
export function changesBetween(before: string, after: string): ReturnType<typeof lockChanges> | undefined {
  try {
    return lockChanges(before, after);
  } catch {
    return undefined;
  }
}
