/** Timers: each fires by itself, once, at its time. Compressed by configuration, as an infra team would set it. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { TestCloud, until } from "./cloud";

const cloud = new TestCloud();
afterAll(() => cloud.down());

/** The journal of an agent since the last boot, what it printed only. */
const journal = (unit: string) => cloud.in("dev-alice", `journalctl --boot ${unit} --no-pager -o cat`);
const count = (text: string, what: string) => text.split("\n").filter((line) => line.includes(what)).length;

/** Seconds from the activation of a timer to its service's last start. */
async function seconds(timer: string, user?: string): Promise<number> {
  const at = async (unit: string, name: string) => Number(await cloud.property("dev-alice", unit, name, user)) / 1e6;
  return (
    (await at(timer.replace(/timer$/, "service"), "ExecMainStartTimestampMonotonic")) -
    (await at(timer, "ActiveEnterTimestampMonotonic"))
  );
}

beforeAll(async () => {
  expect((await cloud.local("up")).exitCode).toBe(0);
  // Without its watcher nothing but the timers starts the update.
  await cloud.change("modules/common.nix", (text) =>
    text.replace(
      "enable = true;",
      'enable = true; services.nixos-auto-update.onBoot = "20s"; services.nixos-auto-update.watch = false;',
    ),
  );
  await cloud.change("modules/home.nix", (text) =>
    text.replace("enable = true;", 'enable = true; services.nixos-hm-auto-update.onBoot = "40s";'),
  );
  await cloud.up();
});

it("fires after the boot, the system's and then the home's, once each", async () => {
  expect((await cloud.local("reboot", "dev-alice")).exitCode).toBe(0);
  const system = "nixos-auto-update.timer";
  const home = "nixos-hm-auto-update.timer";
  await until(
    "the timers are armed",
    30,
    async () => (await cloud.property("dev-alice", home, "ActiveState", "alice")) === "active",
  );
  expect(await cloud.property("dev-alice", system, "NextElapseUSecMonotonic")).not.toBe("");
  expect(await cloud.property("dev-alice", home, "NextElapseUSecMonotonic", "alice")).not.toBe("");

  await until(
    "the home's timer fired",
    90,
    async () => (await cloud.property("dev-alice", home, "LastTriggerUSec", "alice")) !== "",
  );
  await until(
    "nothing runs",
    30,
    async () => (await cloud.property("dev-alice", system.replace("timer", "service"), "ActiveState")) === "inactive",
  );
  expect(count(await journal("-u nixos-auto-update"), "asked by its timer after boot")).toBe(1);
  expect(count(await journal("_SYSTEMD_USER_UNIT=nixos-hm-auto-update.service"), "asked by its timer after boot")).toBe(
    1,
  );
  expect(await seconds(system)).toBeGreaterThanOrEqual(20);
  expect(await seconds(home, "alice")).toBeGreaterThanOrEqual(40);
});

it("fires on its schedule", async () => {
  await cloud.change("modules/common.nix", (text) =>
    text.replace(
      'onBoot = "20s";',
      '$& services.nixos-auto-update.schedule = "*:0/1"; services.nixos-auto-update.randomizedDelay = "1s";',
    ),
  );
  const pushed = await cloud.change("modules/home.nix", (text) =>
    text.replace(
      'onBoot = "40s";',
      '$& services.nixos-hm-auto-update.schedule = "*:0/1"; services.nixos-hm-auto-update.randomizedDelay = "1s";',
    ),
  );
  expect((await cloud.local("reboot", "dev-alice")).exitCode).toBe(0);
  await until("the push is here", 120, async () => (await cloud.status())["dev-alice"]?.system?.revision === pushed);
  await until("the system's schedule", 150, async () =>
    (await journal("-u nixos-auto-update")).includes("asked by its schedule"),
  );
  await until("the home's schedule", 150, async () =>
    (await journal("_SYSTEMD_USER_UNIT=nixos-hm-auto-update.service")).includes("asked by its schedule"),
  );
});
