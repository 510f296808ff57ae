/**
 * The homes of this machine, as root sees them. Work that a user may delay runs in a unit of its own for that user, with a time limit, so
 * that no user can delay the machine's update.
 */
import { join } from "node:path";
import { publishable, type AgentState } from "../../rules/agent-state";
import { contract } from "../../rules/contract";
import type { HomesFile } from "../../rules/decision/decide-home";
import { mayHaveMissed } from "../../rules/missed-homes";
import { log } from "../host/log";
import { MetadataServer } from "../metadata-server";
import { homeKey, publish, publishedReport, unpublished } from "../report/publish";
import { installedCommand, selfCommand } from "../self-command";
import { showUnits, systemctl, systemdRun } from "../host/systemd";
import { bootedAt, now } from "../host/time";
import { homesPublishedAt } from "./home-place";
import { enableLingering } from "./lingering";
import { homeStateFiles, readHomeState } from "./home-state";
import { accountOf, hasHome, isUserName, type Account } from "./users";
import { sleep } from "../host/time";
import { readObject } from "../host/files";

const { system, home: homeUnit } = contract.units;
const runFolder = contract.paths.run;
/** Seconds after which root stops waiting for a home. */
const LIMIT = 60;
const FIRST_LOGIN = `${system}-first-login`;

/** What root last published for homes. */
export function readHomes(folder: string = runFolder): HomesFile {
  return readObject(join(folder, "homes.json")) ?? {};
}

const homeUsers = (): string[] => (readHomes().homes ?? []).map(({ user }) => user).filter(isUserName);

const path = () => `--setenv=PATH=${process.env["PATH"] ?? ""}`;

/** Starts a unit for each home, which checks the home, and waits for none of these units. */
export async function startServing(users = homeUsers()): Promise<void> {
  for (const user of users) {
    const unit = `${system}-serve-${user}`;
    const options = [
      `--unit=${unit}`,
      "--no-block",
      `--property=RuntimeMaxSec=${LIMIT}`,
      "--property=TimeoutStopSec=5",
      `--property=SyslogIdentifier=${system}`,
      path(),
    ];
    // A unit that is there already does the same.
    await systemdRun("system", options, [...selfCommand("nixos-auto-update"), "serve", user]);
  }
}

/** Checks a home, and again if root publishes for homes meanwhile: the unit of that check is this one, and runs already. */
export async function serveHome(user: string): Promise<void> {
  let checked;
  do {
    checked = homesPublishedAt();
    await checkHome(user);
  } while (homesPublishedAt() !== checked);
}

/**
 * Makes sure that a home's units run and its reports are published. A home that has never activated anything is started here, on its
 * user's behalf, because its own units are part of the home.
 */
async function checkHome(user: string): Promise<void> {
  const account = await accountOf(user);
  if (account === undefined || !(await hasHome(account))) {
    await publishUnserved(
      user,
      `${user} has no account or no home directory yet: the home is updated from the first login on`,
    );
    await armFirstLogin();
    return;
  }
  await enableLingering(user, contract.paths.state);
  await armPublisher(account);
  if (!(await systemctl("system", ["start", `user@${account.uid}.service`], 20_000))) {
    await publishUnserved(user, `the manager of ${user}'s units does not start`);
    return;
  }
  const since = now();
  const { state, hangs } = await readHomeState(account);
  if (hangs)
    await publishUnserved(user, `the state of ${user}'s home cannot be read: a file of ${user}'s does not answer`);
  const mayBeDeployed = hangs || (state?.revision ?? "") !== "";
  const units = [`${homeUnit}.service`, `${homeUnit}.path`, `${homeUnit}.timer`];
  const [service, pathUnit, timer] = mayBeDeployed ? await statesOf(account, units) : [];
  if (service?.["LoadState"] === "loaded") {
    if (!isActive(pathUnit)) await wake(account, `${homeUnit}.path`);
    if (!isActive(timer)) await wake(account, `${homeUnit}.timer`);
    // No path unit fires for a change that comes while nothing watches the path, or while the home's last run ends.
    if (mayHaveMissed(state?.at, homesPublishedAt()))
      await ofUser(account, ["start", "--no-block", `${homeUnit}.service`]);
    if (state !== undefined) await publishAgain(user, state);
  } else if (!hangs) await startHome(account, since);
}

/** Starts the retry that the home has arranged, if any, before its time. With --all, the pattern matches a unit that waits for its timer. */
export async function startRetry(account: Account): Promise<void> {
  await ofUser(account, ["start", "--all", "--no-block", `${homeUnit}-retry-*.service`]);
}

/** Publishes the home's own report again if root's statement about an earlier trouble replaced it. */
async function publishAgain(user: string, { at }: AgentState): Promise<void> {
  const published = publishedReport(runFolder, homeKey(user));
  if (published === undefined || published.at === at) return;
  await systemctl("system", ["start", "--no-block", `${publisherOf(user)}.service`]);
}

/** systemctl for the units of a user. The user's manager may be slow. */
async function ofUser({ name }: Account, args: readonly string[]): Promise<boolean> {
  return systemctl("system", ["--user", `--machine=${name}@.host`, ...args], 10_000);
}

/**
 * Whether units of a user are loaded and active; nothing of any if the user's manager does not answer. One connection asks for all: each is a
 * session of PAM.
 */
function statesOf({ name }: Account, units: readonly string[]): Promise<Record<string, string>[]> {
  const options = { extra: ["--user", `--machine=${name}@.host`], timeout: 10_000 };
  return showUnits("system", units, ["LoadState", "ActiveState"], options);
}

/** As `systemctl is-active` has it. */
function isActive(unit: Record<string, string> | undefined): boolean {
  return ["active", "reloading", "refreshing"].includes(unit?.["ActiveState"] ?? "");
}

/** Starts a path unit that was triggered too often, or a timer that someone stopped. */
async function wake(account: Account, unit: string): Promise<void> {
  await ofUser(account, ["reset-failed", `${homeUnit}.service`, unit]);
  await ofUser(account, ["start", "--no-block", unit]);
  log(`home of ${account.name}: started ${unit}, which did not run`);
}

/** The options of a home's first update. */
export const firstUpdateOptions = ["--once", "--trigger", "watch", "--by", "the machine's agent"];

/**
 * Once in each of the machine's runs: until the home has its own units, only root can retry.
 * @param since when root looked for the end of an earlier update, and found none that succeeded
 */
async function startHome(account: Account, since: string): Promise<void> {
  const { name } = account;
  log(`home of ${name}: starting its first update`);
  const command = [...installedOrSelf(), "run", ...firstUpdateOptions];
  const unit = `${homeUnit}-first.service`;
  const options = [
    ...["--user", `--machine=${name}@.host`, "--no-block", `--unit=${unit}`],
    ...[`--property=SyslogIdentifier=${homeUnit}`, path()],
  ];
  // A unit that is there already does the same.
  const taken = await systemdRun("system", options, command);
  const state = await stateOnceStarted(account, unit);
  if (state === "active" || state === "deactivating" || (taken && state === "inactive")) return;
  // Another run of the machine started it, and it has ended in the meantime.
  if (((await readHomeState(account)).state?.at ?? "") >= since) return;
  await publishUnserved(name, `the manager of ${name}'s units does not start the first update`);
}

/** The state of a unit after its start, or after this many seconds: a drop-in of its user's may keep the start from ending. */
async function stateOnceStarted(account: Account, unit: string): Promise<string> {
  for (let left = 10; ; left--) {
    const [{ ActiveState: state = "" } = {}] = await statesOf(account, [unit]);
    if (state !== "activating" || left === 0) return state;
    await sleep(1000);
  }
}

/** Before its first update a home has no agent of its own. */
function installedOrSelf(): string[] {
  return installedCommand("nixos-hm-auto-update");
}

/** A report on behalf of a home whose own agent cannot report. */
async function publishUnserved(user: string, error: string): Promise<void> {
  log(`home of ${user}: ${error}`);
  const state: AgentState = {
    outcome: "deferred",
    error,
    lock: "",
    toplevel: "",
    rolledBack: false,
    rebootRequired: false,
    at: now(),
    bootedAt: bootedAt(runFolder),
    agent: contract.agent,
  };
  const report = unpublished(runFolder, homeKey(user), {}, publishable(state));
  if (report === undefined) return;
  const metadata = new MetadataServer();
  try {
    await publish(metadata, runFolder, homeKey(user), report);
  } catch {
    log(`could not publish the report of ${user}'s home`);
  } finally {
    metadata.close();
  }
}

/** Makes systemd check again whenever a user logs in or out, until no home is left to wait for. */
async function armFirstLogin(): Promise<void> {
  await asService(FIRST_LOGIN, ["PathChanged=/run/systemd/users"], ["serve"]);
}

/** The command of that service. A session exists before the home that its login makes. */
export async function serveFirstLogins(): Promise<void> {
  await sleep(2000);
  const missing: string[] = [];
  for (const user of homeUsers()) {
    if (await hasHome(await accountOf(user))) await startServing([user]);
    else missing.push(user);
  }
  if (missing.length === 0) await systemctl("system", ["stop", `${FIRST_LOGIN}.path`]);
}

/** Has systemd publish the home's report whenever its state changes; root publishes, because a user must not reach the server. */
export async function armPublisher(account: Account): Promise<void> {
  const paths = homeStateFiles(account).map((file) => `PathChanged=${file}`);
  await asService(publisherOf(account.name), paths, ["publish", account.name]);
}

const publisherOf = (user: string) => `${system}-publish-${user}`;

/** Has systemd run one of this agent's commands when something happens to a path. The installed agent outlives this one. */
async function asService(unit: string, paths: readonly string[], command: readonly string[]): Promise<void> {
  if (await systemctl("system", ["is-active", "--quiet", `${unit}.path`])) return;
  const options = [
    `--unit=${unit}`,
    ...paths.map((property) => `--path-property=${property}`),
    // Someone may change the path without pause.
    "--path-property=TriggerLimitIntervalSec=0",
    "--property=StartLimitIntervalSec=0",
    `--property=SyslogIdentifier=${system}`,
    path(),
  ];
  await systemdRun("system", options, [...installedCommand("nixos-auto-update"), ...command]);
}
