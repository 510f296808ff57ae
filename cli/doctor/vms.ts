/** The part of the doctor's judgement that is about VMs: are they as the stack says, do they report, does someone hold them. */
import { contract } from "../../rules/contract";
import type { Instance } from "../google/compute";
import { fail, listed, ok, checkResult, warn, type Facts, type Finding } from "./findings";
import { formatDuration } from "../../rules/text/duration";
import { parseObject } from "../../rules/text/json";
import type { StackSettings } from "../stack";
import { secondsSince, type FleetStatus, type VmStatus } from "../status/status";
import { holdText } from "../../rules/text/sentences";
import { oneLine, plural } from "../../rules/text/text";

/** Seconds after which a person's hold may have been forgotten. */
const longHold = 7 * 24 * 3_600;

/** All findings about them. */
export function checkVms(facts: Facts, now: Date): Finding[] {
  return [...checkMade(facts), ...checkFleet(facts, now), ...checkReach(facts)];
}

function checkMade({ settings, argumentsOnly, instances, projectMetadata = {} }: Facts): Finding[] {
  if (settings === undefined)
    return argumentsOnly === true
      ? checkResult(
          "vms",
          instances,
          (there) => ok("vms", `${plural(there.length, "VM")} with the stack's labels`),
          "pulumi up creates them; if they exist, you lack compute.instances.list (docs/google.md)",
          warn,
        )
      : [];
  return checkResult(
    "vms",
    instances,
    (there) => checkMetadata(settings, there, projectMetadata),
    "see that you may list instances: docs/google.md",
  );
}

function checkMetadata(
  { vms, projectMetadata }: StackSettings,
  there: readonly Instance[],
  items: Readonly<Record<string, string>>,
): Finding[] {
  const found = new Map(there.map((one) => [one.name, one]));
  const missing = vms.filter(({ name }) => !found.has(name)).map(({ name }) => name);
  const strange = there.filter(({ name }) => !vms.some((vm) => vm.name === name)).map(({ name }) => name);
  const differing = vms.flatMap(({ name, zone, metadata }) => {
    const instance = found.get(name);
    if (instance === undefined) return [];
    const keys = differences(metadata, instance.metadata);
    const all = instance.zone === zone ? keys : ["zone", ...keys];
    return all.length === 0 ? [] : [`${name} (${all.join(", ")})`];
  });
  const wrong = [
    ...listed(missing, (vms) => warn("vms", `not made yet: ${vms}`, "pulumi up makes them")),
    ...listed(strange, (vms) =>
      warn(
        "vms",
        `the stack does not name ${vms}`,
        "pulumi up deletes VMs that it created; remove the fleet's labels from others",
      ),
    ),
    ...listed(differing, (vms) => warn("vms", `differ from the stack: ${vms}`, "pulumi up --refresh")),
    ...listed(differences(projectMetadata, items), (keys) =>
      warn("vms", `the project's metadata differs from the stack: ${keys}`, "pulumi up --refresh"),
    ),
  ];
  return wrong.length > 0 ? wrong : ok("vms", `${plural(vms.length, "VM")}, all match the stack`);
}

/** The keys of metadata that are not as they should be; those of the fleet's own item by name. */
function differences(wanted: Readonly<Record<string, string>>, there: Readonly<Record<string, string>>): string[] {
  return Object.entries(wanted).flatMap(([key, value]) => {
    if (there[key] === value) return [];
    if (key !== contract.instanceMetadata.key) return [key];
    const [should, is] = [fieldsOf(value), fieldsOf(there[key])];
    const names = [...new Set([...Object.keys(should), ...Object.keys(is)])];
    return names.filter((name) => JSON.stringify(should[name]) !== JSON.stringify(is[name]));
  });
}

function fieldsOf(text: string | undefined): Record<string, unknown> {
  return parseObject(text ?? "") ?? {};
}

function checkFleet({ status }: Facts, now: Date): Finding[] {
  return checkResult("reports", status, (fleet) => [...checkReports(fleet), ...checkControl(fleet, now)], "see above");
}

function checkReports({ vms, problems }: FleetStatus): Finding[] {
  const names = (which: (vm: VmStatus) => boolean) => vms.filter(which).map(({ name }) => name);
  const wrong = [
    ...problems.flatMap((problem) => fail("approvals", problem, "pulumi up --refresh rewrites the approvals")),
    ...listed(
      vms.flatMap(({ name, drift, system, reason }) =>
        drift === "unknown" && system === null ? `${name} (${reason ?? drift})` : [],
      ),
      (silent) =>
        warn(
          "reports",
          `silent: ${silent}`,
          vms.some(({ system }) => system !== null)
            ? "look at journalctl -u nixos-auto-update there, and at its serial console"
            : "no VM reports: the organization's policy compute.disableGuestAttributesAccess may forbid it (docs/google.md); else look at journalctl -u nixos-auto-update there",
        ),
    ),
    ...listed(
      names(({ drift }) => drift === "failed"),
      (failed) => warn("reports", `failed: ${failed}`, "fleet status says why"),
    ),
    ...listed(
      names(({ system }) => system !== null && system.agent !== contract.agent),
      (old) =>
        warn(
          "agents",
          `another version than ${contract.agent}: ${old}`,
          "update the input nixos-fleet of the config repository",
        ),
    ),
  ];
  const running = vms.filter(({ state }) => state === "RUNNING").length;
  return wrong.length > 0 ? wrong : ok("reports", `${plural(running, "VM")} running, none of them silent`);
}

function checkControl({ control, vms }: FleetStatus, now: Date): Finding[] {
  const old = control.holds.filter(
    (hold) => hold.revision === undefined && (secondsSince(hold.at, now) ?? 0) > longHold,
  );
  const strays = Object.keys(control.pins).filter((vm) => !vms.some(({ name }) => name === vm));
  const wrong = [
    ...old.flatMap((hold) =>
      warn(
        "holds",
        `${holdText(hold)}, for ${formatDuration(secondsSince(hold.at, now) ?? 0)}`,
        "fleet resume, when it is over",
      ),
    ),
    ...strays.flatMap((vm) =>
      warn("pins", `${oneLine(vm, 63)} is pinned but does not exist`, `fleet pin ${oneLine(vm, 63)} --clear`),
    ),
  ];
  return wrong.length > 0 ? wrong : ok("holds", control.holds.length === 0 ? "none" : "none that is old");
}

function checkReach({ unreachable }: Facts): Finding[] {
  if (unreachable === undefined) return [];
  const wrong = Object.entries(unreachable).map(([who, why]) => `${who} (${why})`);
  const todo = "see that you are in its network, or name ssh.bastion or ssh.addresses in the stack's settings";
  return wrong.length > 0
    ? listed(wrong, (vms) => warn("reach", `no answer from ${vms}`, todo))
    : ok("reach", "SSH answers");
}
