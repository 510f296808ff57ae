/** Problems that stop no update but that a person should know first. Pure. */
import { accessOf } from "../components/iam";
import { sshServer } from "../../rules/deploy-keys";
import { type PresentVm, short } from "../../rules/contract";
import { missingNames } from "../../rules/flake-names";
import { flakeUser } from "../config/vms/vms";
import { firstOf } from "../../rules/text/text";
import type { FleetConfig } from "../config/fleet-config";
import type { Reachable } from "../components/rollout/trigger";

/** Compute's limit for all of a project's metadata, in bytes, and the share of it that triggers a warning. */
const METADATA_BYTES = 512 * 1024;
const FULL = 0.75;

/** VMs without anyone who may log in. */
export function accessWarnings(config: Pick<FleetConfig, "teams" | "access" | "vms">): string[] {
  const open = new Set(accessOf(config).map(({ vm }) => vm));
  const closed = config.vms.map(({ name }) => name).filter((name) => !open.has(name));
  if (closed.length === 0) return [];
  const which = closed.length === config.vms.length ? "any VM" : closed.join(", ");
  return [
    `nixos-fleet:teams: nobody may log in to ${which} by this stack; name people in teams.infra and teams.developers, or set access: owners`,
  ];
}

/** Repositories by SSH that VMs may not be able to clone: they need a key, and the server's host key. */
export function repositoryWarnings({
  repository,
  deployKeys,
  knownHosts,
}: Pick<FleetConfig, "repository" | "deployKeys" | "knownHosts">): string[] {
  const isPrivate = sshServer(repository) !== undefined && !deployKeys.some(({ of }) => of === "config");
  const keyed = deployKeys.filter(({ of }) => of !== "input").map(({ repository: one }) => one);
  const servers = new Set([repository, ...keyed].flatMap((one) => sshServer(one)?.keyscan ?? []));
  return [
    ...(isPrivate
      ? [
          `nixos-fleet:deployKey: is not set, and VMs clone ${repository} by SSH; they cannot, unless their image has a key for it (services.nixos-auto-update.deployKeySecret)`,
        ]
      : []),
    ...(knownHosts === undefined && servers.size > 0
      ? [
          `nixos-fleet:knownHosts: is not set, so VMs clone by SSH only from servers that their image knows; set it to what this prints, after comparing it with what the server publishes: ${[...servers].map((server) => `ssh-keyscan ${server}`).join(" && ")}`,
        ]
      : []),
  ];
}

/** A stack without VMs, which other stacks may need. */
export function stackWarnings({ stack, vms }: Pick<FleetConfig, "stack" | "vms">): string[] {
  return vms.length > 0
    ? []
    : [
        `nixos-fleet:stacks: ${stack} has no VM; keep it as long as other stacks use its network, account, cache or secrets (docs/scale.md)`,
      ];
}

/** Project metadata that is nearly full: Compute refuses the next approval with HTTP 413. */
export function metadataWarnings(metadata: Readonly<Record<string, string>>): string[] {
  const bytes = Object.entries(metadata).reduce((sum, item) => sum + Buffer.byteLength(item.join("")), 0);
  if (bytes < METADATA_BYTES * FULL) return [];
  const kib = (size: number) => Math.round(size / 1024);
  const [largest = ""] = Object.entries(metadata).sort(([, a], [, b]) => b.length - a.length)[0] ?? [];
  return [
    `gcp:project: its metadata has ${kib(bytes)} of ${kib(METADATA_BYTES)} KiB, and approvals need room in it; the largest item is ${largest}`,
  ];
}

/** VMs whose host is not among those that `fleet build` built for this revision: it builds all hosts of the flake. */
export function hostWarnings(vms: FleetConfig["vms"], built: readonly string[], revision: string): string[] {
  // A manifest that cannot be read says nothing; its VMs build for themselves.
  if (built.length === 0) return [];
  const { hosts } = missingNames(vms.map(flakeUser), { hosts: [...built], homes: [] });
  return hosts.map((line) => `nixos-fleet:vms: by the manifest of ${short(revision)} ${line}`);
}

/** Running VMs that get no SSH trigger, a line for each reason. A VM that is off or does not exist yet needs none. */
export function triggerWarnings(
  reachable: Readonly<Record<string, Reachable>>,
  present: readonly PresentVm[],
): string[] {
  const running = new Set(present.filter((vm) => vm.running).map(({ name }) => name));
  const skipped = Object.entries(reachable).flatMap(([name, target]) =>
    "skipped" in target && running.has(name) ? [{ name, reason: target.skipped }] : [],
  );
  return [...new Set(skipped.map(({ reason }) => reason))].map((reason) => {
    const names = skipped.flatMap((one) => (one.reason === reason ? [one.name] : []));
    const [get, see] = names.length === 1 ? ["gets", "it sees"] : ["get", "they see"];
    return `nixos-fleet:trigger: ${firstOf(names, 6)} ${get} no SSH trigger: ${reason}; ${see} the approval without it`;
  });
}
