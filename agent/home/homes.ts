/**
 * The homes of this machine, as root sees them. Everything that a user may delay is done in a unit of its own for that user, with a limit, so
 * that nothing of a user's holds the machine's update up.
 */
import { join } from "node:path";
import { publishable, type AgentState } from "../../rules/agent-state";
import { contract } from "../../rules/contract";
import type { HomesFile } from "../../rules/decision/decide-home";
import { parseObject } from "../../rules/text/json";
import { isThere, readText } from "../host/files";
import { log } from "../host/log";
import { MetadataServer } from "../metadata-server";
import { publish, unpublished } from "../report/publish";
import { installedCommand, selfCommand } from "../self-command";
import { systemctl, systemdRun } from "../host/systemd";
import { bootedAt, now } from "../host/time";
import { accountOf, asUser, hasHome, isUserName, type Account } from "./users";
import { run } from "../host/process";
import { sleep } from "../host/time";

const { system, home: homeUnit } = contract.units;
const runFolder = contract.paths.run;
/** Seconds after which a home is given up. */
const LIMIT = 60;
const FIRST_LOGIN = `${system}-first-login`;

/** What root published for homes last. */
export function readHomes(): HomesFile {
  return parseObject(readText(join(runFolder, "homes.json")) ?? "") ?? {};
}

const homeUsers = (): string[] => (readHomes().homes ?? []).map(({ user }) => user).filter(isUserName);

const path = () => `--setenv=PATH=${process.env["PATH"] ?? ""}`;

/** Starts a unit for each home that sees to it, and waits for none of them. */
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
    // One that is there already does the same.
    await systemdRun("system", options, [...selfCommand("nixos-auto-update"), "serve", user]);
  }
}

/**
 * Sees to it that a home's units run and its reports are published. A home that never came to anything is started here, on its user's
 * behalf: its own units are part of it.
 */
export async function serveHome(user: string): Promise<void> {
  const account = await accountOf(user);
  if (account === undefined || !(await hasHome(account))) {
    await publishUnserved(
      user,
      `${user} has no account or no home directory yet: the home is updated from the first login on`,
    );
    await armFirstLogin();
    return;
  }
  if (!isThere(`/var/lib/systemd/linger/${user}`)) await lingers(user);
  await armPublisher(account);
  if (!(await systemctl("system", ["start", `user@${account.uid}.service`], 20_000))) {
    await publishUnserved(user, `the manager of ${user}'s units does not start`);
    return;
  }
  if (await hasUnits(account)) await wakeUnits(account);
  else await startHome(account);
}

async function lingers(user: string): Promise<void> {
  await run("loginctl", ["enable-linger", user], { timeout: 10_000 });
}

/** systemctl for the units of a user, who may let it wait. */
async function ofUser({ name }: Account, args: readonly string[]): Promise<boolean> {
  return systemctl("system", ["--user", `--machine=${name}@.host`, ...args], 10_000);
}

/** Whether the home's agent has ever deployed it, and its units are there. */
async function hasUnits(account: Account): Promise<boolean> {
  const state = await homeState(account);
  if ((state?.revision ?? "") === "") return false;
  const unit = ["show", "--property=LoadState", "--value", `${homeUnit}.service`];
  const { stdout } = await run("systemctl", ["--user", `--machine=${account.name}@.host`, ...unit], {
    timeout: 10_000,
  });
  return stdout.trim() === "loaded";
}

/** A path unit that was triggered too often, or a timer that someone stopped, works again. */
async function wakeUnits(account: Account): Promise<void> {
  const units = [`${homeUnit}.path`, `${homeUnit}.timer`];
  for (const unit of units) {
    if (await ofUser(account, ["is-active", "--quiet", unit])) continue;
    await ofUser(account, ["reset-failed", `${homeUnit}.service`, unit]);
    await ofUser(account, ["start", "--no-block", unit]);
    log(`home of ${account.name}: started ${unit}, which did not run`);
  }
}

/** Once a run of the machine's: until the home has its own units nobody else can try again. */
async function startHome(account: Account): Promise<void> {
  const { name } = account;
  log(`home of ${name}: starting its first update`);
  const command = [...installedOrSelf(), "run", "--once", "--by", "the machine's agent"];
  const options = [
    ...["--user", `--machine=${name}@.host`, "--no-block", `--unit=${homeUnit}-first`],
    ...[`--property=SyslogIdentifier=${homeUnit}`, path()],
  ];
  if (await systemdRun("system", options, command)) return;
  if (await ofUser(account, ["is-active", "--quiet", `${homeUnit}-first.service`])) return;
  await publishUnserved(name, `the manager of ${name}'s units does not start the first update`);
}

/** Before its first update a home has no agent of its own. */
function installedOrSelf(): string[] {
  return installedCommand("nixos-hm-auto-update");
}

/** A report in the home's place, of a home whose own agent cannot say anything. */
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
  const report = unpublished(runFolder, contract.guestAttributes.homePrefix + user, {}, publishable(state));
  if (report === undefined) return;
  const metadata = new MetadataServer();
  try {
    await publish(metadata, runFolder, contract.guestAttributes.homePrefix + user, report);
  } catch {
    log(`could not publish the report of ${user}'s home`);
  } finally {
    metadata.close();
  }
}

/** Has systemd look again whenever someone's login changes, until there is nobody left to wait for. */
async function armFirstLogin(): Promise<void> {
  await asService(FIRST_LOGIN, ["PathChanged=/run/systemd/users"], ["serve"]);
}

/** What that service runs. A session is there before the home that its login makes. */
export async function serveFirstLogins(): Promise<void> {
  await sleep(2000);
  const missing: string[] = [];
  for (const user of homeUsers()) {
    if (await hasHome(await accountOf(user))) await startServing([user]);
    else missing.push(user);
  }
  if (missing.length === 0) await systemctl("system", ["stop", `${FIRST_LOGIN}.path`]);
}

/** Where a home's agent leaves its state for root: where every home's is, and where a folder of its own for states cannot hide it. */
export function homeStateFiles({ uid, home }: Pick<Account, "uid" | "home">): string[] {
  const folder = contract.paths.homeState;
  return [`/run/user/${uid}/${folder}/state.json`, `${home}/.local/state/${folder}/state.json`];
}

/** Has systemd publish the home's report whenever its state changes; root publishes, because a user must not reach the server. */
export async function armPublisher(account: Account): Promise<void> {
  const paths = homeStateFiles(account).map((file) => `PathChanged=${file}`);
  await asService(`${system}-publish-${account.name}`, paths, ["publish", account.name]);
}

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

/** The home's state as its user's files say it: read as the user, and no more of it than a report can be. */
export async function homeState(account: Account): Promise<AgentState | undefined> {
  const states: AgentState[] = [];
  for (const file of homeStateFiles(account)) {
    const { stdout } = await asUser(account, ["head", "--bytes=100000", "--", file]);
    const state = parseObject(stdout);
    if (state !== undefined) states.push(state);
  }
  return states.sort((one, other) => String(other.at).localeCompare(String(one.at)))[0];
}
