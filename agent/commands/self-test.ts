/**
 * `self-test`: whether this agent works where it runs. A new system's agent runs it before its activation, under the sandbox of each
 * unit that it ships, with the new system's settings: reads the state, asks the server, decides, computes what its watcher compares, makes a
 * report. It writes nothing.
 */
import type { ModuleSettings } from "../../rules/decision/decide-system";
import { parseRebootWindow, parseWindow } from "../../rules/decision/window";
import { reportOf } from "../../rules/report";
import { SELF_TEST_SYSTEM } from "../../rules/self-test";
import { publishable, nextState } from "../../rules/agent-state";
import { contract } from "../../rules/contract";
import { relevantState } from "../../rules/decision/relevant-state";
import { dryRequest } from "../driver";
import { Exit } from "../host/log";
import { run } from "../host/process";
import { SystemDriver } from "../system/system";
import { moduleSettings } from "../system/system-place";
import { bootedAt, now } from "../host/time";
import type { HomeDriver } from "../home/home";

function checkNode(): void {
  const [major = 0] = process.versions.node.split(".").map(Number);
  if (major < 20) throw new Exit(1, `Node ${process.versions.node} is too old; 20 or newer is needed`, "NF406");
}

/** The same for a home: the agent reads the home's state and decides. */
export async function selfTestOfHome(driver: HomeDriver): Promise<number> {
  checkNode();
  const { reason } = driver.decide(await driver.look(), dryRequest, {});
  process.stdout.write(`${contract.units.home} ${contract.agent} works, on Node ${process.versions.node}: ${reason}\n`);
  return 0;
}

/** What no one notices before it matters: a window that cannot be read would keep the VM from updates. */
function checkWindows(settings: ModuleSettings): void {
  const windows = [parseWindow(settings["window"]), parseRebootWindow(settings["rebootWindow"])];
  const { unreadable } = windows.find((window) => window.unreadable !== undefined) ?? {};
  if (unreadable !== undefined) throw new Exit(1, unreadable, "NF406");
}

export async function selfTest(): Promise<number> {
  checkNode();
  const driver = new SystemDriver();
  const observed = await driver.observe(1);
  const system = process.env[SELF_TEST_SYSTEM];
  const situation = system === undefined ? observed : { ...observed, settings: moduleSettings(system) };
  // The running system's are no fault of the new agent.
  if (system !== undefined) checkWindows(situation.settings);
  const decision = driver.decide(situation, dryRequest, {});
  if (situation.metadata.kind === "present") JSON.stringify(relevantState(situation.metadata));
  const report = reportOf(
    publishable(
      nextState(situation.state, {
        outcome: decision.outcome,
        toplevel: situation.current,
        rolledBack: false,
        rebootRequired: false,
        at: now(),
        bootedAt: bootedAt(driver.place.runFolder),
        agent: contract.agent,
      }),
    ),
    { second: true },
  );
  if (report === undefined) throw new Exit(1, "the state has no valid report", "NF406");
  const child = await run("true", [], { timeout: 10_000 });
  if (child.status !== 0) throw new Exit(1, `cannot run a program: ${child.stderr.trim()}`, "NF406");
  process.stdout.write(
    `${contract.units.system} ${contract.agent} works, on Node ${process.versions.node}: ${decision.reason}\n`,
  );
  return 0;
}
