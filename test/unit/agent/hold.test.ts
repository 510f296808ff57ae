/** How a person's hold and its end reach a run: by a request, which a unit of its own brings to the service. */
import { existsSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { hold, resume } from "../../../agent/commands/hold";
import { pendingRequests, readRequests } from "../../../agent/requests";
import { readHold } from "../../../agent/state";
import { until } from "../../setup/until";
import { Scratch } from "./scratch";
import { standInPlace } from "./stand-in-driver";

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
  const driver = { place: { ...standInPlace(scratch), manager, service: "x" } };
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
  await resume({ place: standInPlace(scratch) });
  expect(started()).toBe("--user start --no-block nixos-hm-auto-update.service\n");
  expect(requests()).toHaveLength(1);
});
