/** Problems that stop no update but that a person should know first. Pure. */
import { groupEntries } from "../../rules/group-entries";
import { accessOf, peopleOf } from "../components/iam";
import { sshServer } from "../../rules/deploy-keys";
import { type PresentVm, short } from "../../rules/contract";
import { missingNames } from "../../rules/flake-names";
import { firstOf } from "../../rules/text/text";
import { flakeUser } from "../config/vms/vms";
import type { FleetConfig } from "../config/fleet-config";
import type { Reachable } from "../components/rollout/trigger";

/** IAM's limit for the members of a project's policy, and so many of one binding that trigger a warning. */
const POLICY_MEMBERS = 1500;
const MANY_MEMBERS = 1400;

/** How many of something a person reads by name. */
const NAMED = 6;

/** VMs without anyone who may log in. */
export function accessWarnings(config: Pick<FleetConfig, "teams" | "access" | "vms">): string[] {
  const open = new Set(accessOf(config).map(({ vm }) => vm));
  const closed = config.vms.map(({ name }) => name).filter((name) => !open.has(name));
  if (closed.length === 0) return [];
  const which = closed.length === config.vms.length ? "any VM" : firstOf(closed, NAMED);
  return [
    `nixos-fleet:teams: no one may log in to ${which} by this stack; name people in teams.infra and teams.developers, or set access: owners`,
  ];
}

/** More people than a project's IAM policy holds: each may read the project's entry, by one binding for all of them. */
export function bindingWarnings(config: Pick<FleetConfig, "teams" | "access" | "vms">): string[] {
  const people = peopleOf(accessOf(config)).length;
  if (people <= MANY_MEMBERS) return [];
  return [
    `nixos-fleet:access: ${people} people and groups may log in, and each is a member in the project's IAM policy, which has at most ${POLICY_MEMBERS} members in all; set access: teams and name groups in teams.developers, or split the fleet over projects`,
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

/** VMs whose host is not among those that `fleet build` built for this revision: it builds all hosts of the flake. */
export function hostWarnings(vms: FleetConfig["vms"], built: readonly string[], revision: string): string[] {
  // A manifest that cannot be read says nothing; its VMs build for themselves.
  if (built.length === 0) return [];
  const { hosts } = missingNames(vms.map(flakeUser), { hosts: [...built], homes: [] });
  const more = hosts.length - NAMED;
  return [...hosts.slice(0, NAMED), ...(more > 0 ? [`${more} more hosts are not there`] : [])].map(
    (line) => `nixos-fleet:vms: by the manifest of ${short(revision)} ${line}`,
  );
}

/** Running VMs that get no SSH trigger, a line for each reason. A VM that is off or does not exist yet needs none. */
export function triggerWarnings(
  reachable: Readonly<Record<string, Reachable>>,
  present: readonly PresentVm[],
): string[] {
  const running = new Set(present.filter((vm) => vm.up).map(({ name }) => name));
  const skipped = Object.entries(reachable).flatMap(([name, target]) =>
    "skipped" in target && running.has(name) ? [[target.skipped, name] as const] : [],
  );
  return [...groupEntries(skipped)].map(([reason, names]) => {
    const [get, see] = names.length === 1 ? ["gets", "it sees"] : ["get", "they see"];
    return `nixos-fleet:trigger: ${firstOf(names)} ${get} no SSH trigger: ${reason}; ${see} the approval without it`;
  });
}
