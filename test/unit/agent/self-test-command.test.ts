/** What a new system's agent finds wrong in that system's settings. Its sandbox takes a machine: test/agents/self-test.test.ts. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { selfTest } from "../../../agent/commands/self-test";
import { SystemDriver } from "../../../agent/system/system";
import { contract } from "../../../rules/contract";
import { Scratch } from "./scratch";

let scratch: Scratch;
/** The settings of the system that runs. */
let running: Record<string, unknown>;
beforeEach(() => {
  scratch = new Scratch();
  running = {};
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
  vi.spyOn(SystemDriver.prototype, "observe").mockImplementation(() =>
    Promise.resolve({
      ...{
        metadata: { kind: "absent" as const, vm: "dev" },
        joined: false,
        settings: running,
        state: {},
        readable: true,
      },
      ...{ localHold: null, current: "/nix/store/0-system", drifted: false },
    }),
  );
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  scratch.remove();
});

function ofNewSystem(settings: object): Promise<number> {
  const file = `${scratch.in("new")}${contract.paths.settings}`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(settings));
  vi.stubEnv("NIXOS_AUTO_UPDATE_SELF_TEST_SYSTEM", scratch.in("new"));
  return selfTest();
}

const good = { window: ["Mon..Fri 22:00-05:00 Europe/Berlin"], rebootWindow: { lower: "01:00", upper: "05:00" } };

it("passes with windows that can be read", async () => {
  expect(await ofNewSystem(good)).toBe(0);
  expect(await ofNewSystem({})).toBe(0);
});

it.each([
  [{ window: ["03:00-05:00", "22:00-05:00 Europe/Berlim"] }, 'unknown time zone "Europe/Berlim"'],
  [{ rebootWindow: { lower: "24:30", upper: "05:00" } }, "not a time of day"],
])("fails with %j, and says why", async (wrong, why) => {
  await expect(ofNewSystem({ ...good, ...wrong })).rejects.toThrow(why);
});

it("passes where only the system that runs has a wrong one, so that an update can put it right", async () => {
  running = { window: ["22:00-05:00 Europe/Berlim"] };
  expect(await selfTest()).toBe(0);
  expect(await ofNewSystem(good)).toBe(0);
});
