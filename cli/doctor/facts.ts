/** Gathers what `doctor` judges: asks programs, Pulumi, Google's APIs, the repository and, if SSH is used, the VMs. Changes nothing. */
import { connect as connectTo } from "node:net";
import pMap from "p-map";
import { projectOption, type Call } from "../command-line/command";
import type { Compute, Images, Instance } from "../google/compute";
import { headOf, lockAt, withCommits } from "../repository/config-repository";
import { foreignHomeNamesOf, namesOf } from "../repository/nix";
import { connectProject } from "../context";
import { variable } from "../command-line/variable";
import { accountOf, credentials, type Caller } from "../google/credentials";
import { callerOf } from "../identity";
import type { Facts, OwnRepository, Result } from "./findings";
import { snapshotDisksOf } from "./snapshots";
import { messageOf } from "../../rules/text/system-error";
import { findFleet, readAllReports, readDecisions, readInstances, toVm, type FleetId } from "../fleet";
import { runProgram, type RunOptions } from "../run-program";
import { changePermissions, permissionsMissing } from "../google/permissions";
import { servicesOff } from "../google/service-usage";
import { hasFleetSettings, rawSettings, selectedStack, type ReadSettings, type StackSettings } from "../stack";
import { buildStatus } from "../status/status";
import { offerMistakes } from "../../rules/google-catalog";
import { imageMistakes } from "../../rules/vm-images";
import { ownRepositories } from "../../rules/flake-names";
import { repositoriesAtOnce } from "../../rules/git-arguments";

/** Programs whose versions are asked, and how. */
const versions: Record<string, readonly string[]> = {
  git: ["--version"],
  pulumi: ["version"],
  nix: ["--version"],
  ssh: ["-V"],
  gcloud: ["--version"],
};

/** Milliseconds for a connection. */
const connectTimeout = 5_000;
const connectionsAtOnce = 16;

/** All facts. Throws only when it is interrupted. */
export async function gather(call: Call, read: ReadSettings): Promise<Facts> {
  const runOptions = { signal: call.signal, env: call.env };
  const [tools, stack] = await Promise.all([toolVersions(runOptions), stackOf(call, runOptions)]);
  const facts: Facts = { tools, stack, mistakes: [] };
  let own: string | undefined;
  if ("value" in stack) {
    const raw = await resultOf(call, () => rawSettings(stack.value, call.options.text("config-file"), runOptions));
    if ("problem" in raw) {
      facts.unread = raw.problem;
    } else if (hasFleetSettings(raw.value)) {
      const { settings, mistakes } = await read(raw.value, stack.value);
      Object.assign(facts, { settings, mistakes } satisfies Partial<Facts>);
    } else {
      facts.argumentsOnly = true;
      own = raw.value.values["gcp:project"];
    }
  }
  const named = [projectOption.env ?? []].flat().map((name) => ({ name, value: variable(call, name) }));
  facts.environmentProject = named.find(({ value }) => value !== undefined);
  const project = facts.settings?.project ?? own ?? facts.environmentProject?.value;
  const [google, repository, ownHomes] = await Promise.all([
    project === undefined ? {} : googleFacts(call, project, facts),
    facts.settings === undefined ? {} : repositoryFacts(call, facts.settings, tools, runOptions),
    ownRepositoriesOf(call, facts.settings, tools, runOptions),
  ]);
  const all = { ...facts, ...google, ...repository, ownHomes };
  const instances = all.instances !== undefined && "value" in all.instances ? all.instances.value : [];
  const unreachable = await unreachableOf(facts.settings, instances);
  return { ...all, unreachable };
}

async function toolVersions(runOptions: RunOptions): Promise<Facts["tools"]> {
  const found = Object.entries(versions).map(async ([name, args]) => {
    const text = await resultOf(runOptions, () => runProgram(name, args, runOptions));
    // The second half of a problem is advice, and the doctor gives better advice.
    const [first = ""] = ("value" in text ? text.value : text.problem).split(/[\n;]/);
    return [name, "value" in text ? { value: first.trim() || "is there" } : { problem: first }] as const;
  });
  return { node: { value: process.version }, ...Object.fromEntries(await Promise.all(found)) };
}

async function stackOf(call: Call, runOptions: RunOptions): Promise<Result<string>> {
  const named = call.options.text("stack") ?? variable(call, "NIXOS_FLEET_STACK");
  return named === undefined ? resultOf(call, () => selectedStack(runOptions)) : { value: named };
}

async function googleFacts(
  call: Call,
  project: string,
  { settings, stack, argumentsOnly }: Facts,
): Promise<Partial<Facts>> {
  const caller = await resultOf(call, () => callerOf(call, project));
  const whose = "problem" in caller ? caller : await resultOf(call, () => whoseCredentials(caller.value));
  if ("problem" in caller || "problem" in whose) return { credentials: whose };
  const compute = await connectProject(call, project, { attempts: 2 });
  const metadata = await resultOf(call, () => compute.projectMetadata());
  const answers = { credentials: whose, project: "value" in metadata ? { value: `${project} answers` } : metadata };
  if ("problem" in metadata) return answers;
  const projectMetadata = metadata.value;
  const at = (name: string) => ({ ...caller.value, endpoint: variable(call, name), signal: call.signal });
  const missing = await resultOf(call, () =>
    permissionsMissing(changePermissions, at("NIXOS_FLEET_RESOURCEMANAGER_ENDPOINT")),
  );
  const known = { ...answers, projectMetadata, permissionsMissing: missing };
  if (argumentsOnly === true && "value" in stack) {
    const id = await resultOf(call, () => findFleet(compute, { stack: stack.value }));
    return {
      ...known,
      ...("problem" in id ? { instances: id } : await vmFacts(call, compute, id.value, projectMetadata)),
    };
  }
  if (settings === undefined || "problem" in stack) return known;
  const off = await resultOf(call, () => servicesOff(settings.apis, at("NIXOS_FLEET_SERVICEUSAGE_ENDPOINT")));
  const id = { fleet: settings.fleet, stack: stack.value };
  const unoffered = await resultOf(call, async () => offerMistakes(settings, await compute.offers(settings.vms)));
  const vms = await vmFacts(call, compute, id, projectMetadata);
  const imagesMissing = await imagesMissingOf(call, compute, settings, vms.instances);
  const snapshotDisks =
    settings.snapshotDisks.length === 0
      ? undefined
      : await resultOf(call, () => snapshotDisksOf(compute, settings, new Date()));
  return { ...known, servicesOff: off, unoffered, imagesMissing, ...vms, snapshotDisks };
}

/** Undefined where no VM is new, or that is not known. */
async function imagesMissingOf(
  call: Call,
  compute: Images,
  { project, vms, madeImages: made }: StackSettings,
  instances: Facts["instances"],
): Promise<Facts["imagesMissing"]> {
  if (instances === undefined || "problem" in instances) return undefined;
  const there = instances.value.map(({ name }) => name);
  const wanted = { project, vms: vms.filter(({ name }) => !there.includes(name)), made };
  if (wanted.vms.length === 0) return undefined;
  return resultOf(call, () => imageMistakes(wanted, compute.hasImage.bind(compute)));
}

/** @throws if there are none, or another account's may not be used */
async function whoseCredentials(caller: Caller): Promise<string> {
  const auth = credentials(caller, ["userinfo.email", "compute"]);
  await auth.getAccessToken();
  const account = await accountOf(auth).catch(() => undefined);
  if (account !== undefined) return `those of ${account}`;
  const { accessTokenFrom } = caller.identity ?? {};
  return accessTokenFrom === undefined ? "those of an account" : `the token of ${accessTokenFrom}`;
}

async function vmFacts(
  call: Call,
  compute: Compute,
  id: FleetId,
  metadata: Readonly<Record<string, string>>,
): Promise<Partial<Facts>> {
  const instances = await resultOf(call, () => readInstances(compute, id));
  if ("problem" in instances) return { instances };
  const vms = instances.value.map(toVm);
  const status = await resultOf(call, async () =>
    buildStatus(id, vms, readDecisions(metadata, id), await readAllReports(compute, vms), new Date()),
  );
  return { instances, status };
}

async function repositoryFacts(
  call: Call,
  { source }: StackSettings,
  { nix }: Facts["tools"],
  runOptions: RunOptions,
): Promise<Partial<Facts>> {
  const head = await resultOf(call, () => headOf(source, runOptions));
  if ("problem" in head) return { head };
  const revision = head.value;
  const clone = variable(call, "NIXOS_FLEET_CONFIG_CLONE") ?? process.cwd();
  const isThere = nix !== undefined && "value" in nix;
  const found = await resultOf(call, () =>
    withCommits([revision], { clone, source }, runOptions, async (repository) => {
      const commit = { ...repository, revision };
      const lock = await lockAt(commit, runOptions);
      const flake = isThere
        ? await resultOf(call, () => namesOf(commit, runOptions))
        : { problem: "could not be looked for without nix" };
      return { lock: { value: lock }, flake };
    }),
  );
  return "problem" in found ? { head, lock: found } : { head, ...found.value };
}

/** The repositories of homes that are not in the config repository. Their developers may have no rights here. */
async function ownRepositoriesOf(
  call: Call,
  settings: StackSettings | undefined,
  { nix }: Facts["tools"],
  runOptions: RunOptions,
): Promise<OwnRepository[]> {
  const isThere = nix !== undefined && "value" in nix;
  const readOwn = async (source: Pick<OwnRepository, "repository" | "branch">) => {
    const homes = await resultOf(call, async () => {
      const revision = await headOf(source, runOptions);
      if (!isThere) return undefined;
      return withCommits([revision], { clone: process.cwd(), source }, runOptions, (repository) =>
        foreignHomeNamesOf({ ...repository, revision }, runOptions),
      );
    });
    return { ...source, homes };
  };
  return pMap(ownRepositories(settings?.vms ?? []), readOwn, { concurrency: repositoriesAtOnce });
}

/** Where SSH does not answer, of the running VMs or the bastion to them; undefined if the fleet does not use it. */
async function unreachableOf(
  settings: StackSettings | undefined,
  instances: readonly Instance[],
): Promise<Facts["unreachable"]> {
  if (settings?.ssh === undefined) return undefined;
  const { addresses, bastion, port } = settings.ssh;
  const ways = instances
    .filter(({ state }) => state === "RUNNING")
    .map(({ name, address }) => [name, addresses[name] ?? `${address ?? ""}:${port}`] as const);
  // Behind a bastion nothing but the bastion answers from here.
  const asked = bastion === undefined ? ways : [["the bastion", `${bastion.host}:${bastion.port}`] as const];
  const found = await pMap(asked, async ([name, way]) => [name, await answers(way)] as const, {
    concurrency: connectionsAtOnce,
  });
  return Object.fromEntries(found.flatMap(([name, why]) => (why === undefined ? [] : [[name, why]])));
}

/** Why no SSH server answers at HOST:PORT; undefined if one does. */
function answers(way: string): Promise<string | undefined> {
  const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(way) ?? [];
  if (host === "") return Promise.resolve("has no address");
  return new Promise((end) => {
    const socket = connectTo({ host, port: Number(port), timeout: connectTimeout });
    const ended = (why: string | undefined) => {
      socket.destroy();
      end(why);
    };
    // The kernel of a frozen VM accepts a connection, too.
    socket.once("data", () => ended(undefined));
    socket.once("end", () => ended(`${way}: ends the connection`));
    socket.once("timeout", () => ended(`${way}: no answer within ${connectTimeout / 1_000} s`));
    socket.once("error", (error: NodeJS.ErrnoException) => ended(`${way}: ${error.code ?? error.message}`));
  });
}

async function resultOf<T>({ signal }: Pick<RunOptions, "signal">, ask: () => Promise<T>): Promise<Result<T>> {
  try {
    return { value: await ask() };
  } catch (error) {
    signal.throwIfAborted();
    return { problem: messageOf(error) };
  }
}
