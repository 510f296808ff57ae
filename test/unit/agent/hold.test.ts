/** How a person's hold and its end reach a run: by a request, which a unit of its own brings to the service. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { check } from "../../../agent/commands/check";
import { hold, resume } from "../../../agent/commands/hold";
import type { Driver } from "../../../agent/driver";
import { pendingRequests, readRequests } from "../../../agent/requests";
import { readHold } from "../../../agent/state";
import { SystemDriver } from "../../../agent/system/system";
import { stay } from "../../../rules/decision/decision";
import { until } from "../../setup/until";
import { Scratch } from "./scratch";
import { standInDecision, standInDriver, standInPlace } from "./stand-in-driver";

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
  vi.stubEnv("SUDO_USER", "carol");
  scratch.fake("systemctl", `echo "$@" >>${scratch.in("started")}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  scratch.remove();
});

const requests = () => pendingRequests(scratch.in("run"));
const started = () => (existsSync(scratch.in("started")) ? readFileSync(scratch.in("started"), "utf8") : "");
/** Runs the unit's command in the background with its variables, as systemd does. */
const systemdRun = `vars=()
  while [ "$1" != -- ]; do case $1 in --setenv=*) vars+=("\${1#--setenv=}");; esac; shift; done; shift
  env "\${vars[@]}" "$@" >/dev/null 2>&1 &`;

it.each([
  ["the machine's service", "system", "start x.service\n"],
  ["the home's service", "user", "--user start x.service\n"],
] as const)("are requests, for which %s is started until a run has taken them", async (_, manager, words) => {
  scratch.fake("systemd-run", systemdRun);
  const place = { ...standInPlace(scratch), manager, service: "x" };
  const driver = standInDriver(scratch, { place });
  await hold(driver, ["a", "demo"]);
  expect(readHold(scratch.in("state"))).toMatchObject({ by: "carol", why: "a demo" });
  expect(readRequests(requests())).toMatchObject([{ trigger: "manual", by: "carol", person: true }]);
  await until("it is started again", 10, () => started() === words.repeat(5));

  scratch.fake("systemctl", `echo "$@" >>${scratch.in("started")}; rm -f ${scratch.in("run/asked")}/*`);
  await resume(driver);
  expect(readHold(scratch.in("state"))).toBeNull();
  await until("the request is taken", 10, () => requests().length === 0);
});

it("start the service themselves where systemd makes no unit", async () => {
  scratch.fake("systemd-run", "exit 1");
  await resume(standInDriver(scratch, {}));
  expect(started()).toBe("--user start --no-block nixos-hm-auto-update.service\n");
  expect(requests()).toHaveLength(1);
});

it.each<[string, (driver: Driver) => Promise<unknown>]>([
  ["hold", (driver) => hold(driver, ["a", "demo"])],
  ["resume", resume],
  ["check", check],
])("%s works before the first run, which makes the folders", async (_, command) => {
  for (const folder of ["state", "run"]) rmSync(scratch.in(folder), { recursive: true });
  const place = { ...standInPlace(scratch), lockFile: scratch.in("run/lock") };
  const prepare = () => new SystemDriver(place).prepare();
  const decide = () => ({ ...standInDecision, ...stay("unchanged", "nothing to do") });
  expect(await command(standInDriver(scratch, { place, prepare, decide }))).toBe(0);
});
