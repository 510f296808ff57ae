/** Judges what is wrong with the operator's set-up, and what to do about it. Pure: the facts were gathered before. */
import { short } from "../../rules/contract";
import { isOlder, oldestNix } from "../repository/nix-version";
import { imageCure } from "../../rules/vm-images";
import { missingNames, missingOwnHomes, type FlakeNames, type FlakeUser } from "../../rules/flake-names";
import { lockInputs } from "../../rules/lock/flake-lock";
import { fail, ok, checkResult, warn, type Facts, type Finding, type OwnRepository } from "./findings";
import { checkSnapshots } from "./snapshots";
import { checkVms } from "./vms";
import { messageOf } from "../../rules/text/system-error";

/** Programs: what one is for that may be absent, or null if nothing goes without; and the first version that does. */
const tools: Record<string, { only: string | null; least?: readonly [number, number] }> = {
  node: { only: null },
  git: { only: null },
  pulumi: { only: null },
  nix: {
    only: "needed by fleet lock, build, image, diff and the doctor's check of hosts",
    least: oldestNix,
  },
  ssh: { only: "needed by fleet trigger" },
  gcloud: { only: "needed to log in to a VM, and by fleet trigger --iap" },
};

/** All findings, in the order in which to fix them. */
export function diagnose(facts: Facts, now: Date): Finding[] {
  return [
    ...checkTools(facts),
    ...checkStack(facts),
    ...checkGoogle(facts),
    ...checkRepository(facts),
    ...checkVms(facts, now),
    ...checkSnapshots(facts, now),
  ];
}

function checkTools({ tools: found }: Facts): Finding[] {
  return Object.entries(tools).flatMap(([name, { only, least }]) => {
    const version = found[name];
    if (version === undefined) return [];
    if ("problem" in version) {
      return only === null
        ? fail(name, version.problem, "install it")
        : warn(name, version.problem, `install it: ${only}`);
    }
    return least !== undefined && isOlder(version.value, least)
      ? warn(name, version.value, `${least.join(".")} or newer is needed: ${only ?? ""}`)
      : ok(name, version.value);
  });
}

const docs = "docs/google.md says how";

function checkStack({ tools: { pulumi }, stack, mistakes, unread, argumentsOnly, settings }: Facts): Finding[] {
  // Only Pulumi says which stack it is, and what it has.
  if (pulumi !== undefined && "problem" in pulumi) return [];
  if ("problem" in stack) return fail("stack", stack.problem, "pulumi stack select STACK, or give --stack");
  if (unread !== undefined) return fail("settings", unread, `see that pulumi config --stack ${stack.value} works here`);
  if (argumentsOnly === true)
    return warn(
      "settings",
      `stack ${stack.value} has no nixos-fleet: key, so settings that are arguments of the program are not checked here`,
      `pulumi preview checks them; if the program has no arguments, write Pulumi.${stack.value}.yaml`,
    );
  if (mistakes.length > 0) {
    return mistakes.flatMap((mistake) => fail("settings", mistake, `fix Pulumi.${stack.value}.yaml`));
  }
  return [
    ...(settings?.warnings ?? []).flatMap((line) => warn("settings", line, docs)),
    ...ok("settings", `stack ${stack.value} is right`),
  ];
}

function checkGoogle(facts: Facts): Finding[] {
  const {
    settings,
    environmentProject,
    credentials,
    project,
    servicesOff,
    permissionsMissing,
    unoffered,
    imagesMissing,
  } = facts;
  const other = settings && environmentProject !== undefined && environmentProject.value !== settings.project;
  return [
    ...(other
      ? warn(
          "project",
          `the stack uses ${settings.project}, and ${environmentProject.name} is ${environmentProject.value}`,
          `export ${environmentProject.name}=${settings.project}: the other commands use the variable's`,
        )
      : []),
    ...checkResult(
      "credentials",
      credentials,
      (whose) => ok("credentials", whose),
      "gcloud auth application-default login",
    ),
    ...checkResult(
      "project",
      project,
      (text) => ok("project", text),
      "see that it exists and that you may read it: docs/google.md",
    ),
    ...checkResult(
      "rights",
      permissionsMissing,
      (missing) =>
        missing.length === 0
          ? ok("rights", "you may change the project's metadata")
          : fail(
              "rights",
              `missing on the project: ${missing.join(", ")}; without them pulumi up, its gates, hold and pin fail`,
              "grant a role that has them: docs/google.md",
            ),
      "pulumi up switches on cloudresourcemanager.googleapis.com, which this needs",
      warn,
    ),
    ...checkResult(
      "apis",
      servicesOff,
      (off) =>
        off.length === 0
          ? ok("apis", "all are on")
          : fail(
              "apis",
              `off: ${off.join(", ")}`,
              `pulumi up switches them on, or gcloud services enable ${off.join(" ")}`,
            ),
      "you may need serviceusage.services.get",
      warn,
    ),
    ...checkResult(
      "places",
      unoffered,
      (lines) =>
        lines.length === 0
          ? ok("places", "Google has every zone and machine type of the settings")
          : lines.flatMap((line) => fail("places", line, "correct the stack's settings")),
      "you may need compute.zones.list and compute.machineTypes.list",
      warn,
    ),
    ...checkResult(
      "images",
      imagesMissing,
      (lines) =>
        lines.length === 0
          ? ok("images", "the images of new VMs are there")
          : lines.flatMap((line) => fail("images", line, imageCure)),
      "you may need compute.images.get and compute.images.getFromFamily",
      warn,
    ),
  ];
}

function checkRepository({ settings, head, lock, flake, ownHomes }: Facts): Finding[] {
  const branch = `${settings?.source.branch ?? ""} of ${settings?.source.repository ?? ""}`;
  return [
    ...checkResult(
      "repository",
      head,
      (revision) => ok("repository", `${branch} is at ${short(revision)}`),
      "see that you may read it from here; set resolveFrom to another URL of it",
    ),
    ...checkResult("flake.lock", lock, checkLock, "see that you may read it from here"),
    ...checkResult(
      "hosts",
      flake,
      (names) => checkNames(settings?.vms ?? [], names),
      "a VM whose host or home the repository does not have fails to update",
      warn,
    ),
    ...(ownHomes ?? []).flatMap((own) => checkOwnHomes(settings?.vms ?? [], own)),
  ];
}

/** Where all of a repository's homes are there, nothing is said. */
function checkOwnHomes(vms: readonly FlakeUser[], { homes, ...source }: OwnRepository): Finding[] {
  if ("problem" in homes) {
    const { repository, branch } = source;
    const todo = "see that you may read it from here: pulumi up does";
    return fail("homes", `${repository}, branch ${branch}: ${homes.problem}`, todo);
  }
  const missing = homes.value === undefined ? [] : missingOwnHomes(vms, source, homes.value);
  return missing.flatMap((line) => fail("homes", line, addIt));
}

/** What is to be done about a name that is not there. */
const addIt = "correct the stack's settings, or add it to the repository";

function checkNames(vms: readonly FlakeUser[], names: FlakeNames): Finding[] {
  const { hosts, homes } = missingNames(vms, names);
  const wrong = [
    ...hosts.flatMap((line) => fail("hosts", line, addIt)),
    ...homes.flatMap((line) => fail("homes", line, addIt)),
  ];
  return wrong.length > 0 ? wrong : ok("hosts", "the config repository has every host and home of the settings");
}

function checkLock(text: string | undefined): Finding[] {
  if (text === undefined) return fail("flake.lock", "the branch's head has none", "nix flake lock, commit and push it");
  try {
    const inputs = lockInputs(text);
    return ok("flake.lock", inputs.length === 0 ? "locks no inputs" : `locks ${inputs.join(", ")}`);
  } catch (error) {
    return fail("flake.lock", messageOf(error), "nix flake lock, commit and push it");
  }
}
