/** Timers: each fires by itself, once, at its time. Compressed by configuration, as an infra team would set it. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { contract } from "../../rules/contract";
import { TestCloud, until } from "./cloud";

const cloud = new TestCloud();
afterAll(() => cloud.down());

const system = {
  timer: "nixos-auto-update.timer",
  user: undefined,
  journal: "_SYSTEMD_UNIT=nixos-auto-update.service",
};
const home = {
  timer: "nixos-hm-auto-update.timer",
  user: "alice",
  journal: "_SYSTEMD_USER_UNIT=nixos-hm-auto-update.service",
};
type Timer = typeof system | typeof home;

/** How often an agent says so since the last boot. */
async function said(what: string, { journal }: Timer): Promise<number> {
  const text = await cloud.in("dev-alice", `journalctl --boot ${journal} --no-pager -o cat`);
  return text.split("\n").filter((line) => line.includes(what)).length;
}

/** A point in time of the timer's, in seconds; systemd's "Tue 2026-11-24 15:53:25 UTC" is one that JavaScript reads. */
const at = async (property: string, { timer, user }: Timer) =>
  Date.parse(await cloud.property("dev-alice", timer, property, user)) / 1000;

/** Seconds that the timer took from its start to its last trigger. */
const took = async (timer: Timer) => (await at("LastTriggerUSec", timer)) - (await at("ActiveEnterTimestamp", timer));

beforeAll(async () => {
  expect((await cloud.local("up")).exitCode).toBe(0);
  // Without its watcher nothing but the timers starts the system's update.
  await cloud.change("modules/common.nix", (text) =>
    text.replace(
      "services.nixos-auto-update.enable = true;",
      '$& services.nixos-auto-update.onBoot = "20s"; services.nixos-auto-update.watch = false; services.nixos-auto-update.allowReboot = true;',
    ),
  );
  await cloud.change("modules/home.nix", (text) =>
    text.replace("enable = true;", '$& services.nixos-hm-auto-update.onBoot = "40s";'),
  );
  await cloud.up();
});

it("fires after the boot, the system's and then the home's, once each", async () => {
  expect((await cloud.local("reboot", "dev-alice")).exitCode).toBe(0);
  const state = () => cloud.property("dev-alice", home.timer, "ActiveState", home.user);
  await until("the timers are armed", 60, async () => (await state()) === "active");
  expect(await cloud.property("dev-alice", system.timer, "NextElapseUSecMonotonic")).not.toBe("");
  expect(await cloud.property("dev-alice", home.timer, "NextElapseUSecMonotonic", home.user)).not.toBe("");
  const fired = "requested by its timer after boot";
  await until("both fired", 150, async () => (await said(fired, system)) > 0 && (await said(fired, home)) > 0);
  expect(await said(fired, system)).toBe(1);
  expect(await said(fired, home)).toBe(1);
  // Whole seconds, each of them up to one off.
  expect(await took(system)).toBeGreaterThanOrEqual(19);
  expect(await took(home)).toBeGreaterThanOrEqual(39);
});

it("fires on its schedule", async () => {
  const schedule = (service: string) =>
    `services.${service}.dates = "*:0/1"; services.${service}.randomizedDelaySec = "1s";`;
  await cloud.change("modules/common.nix", (text) =>
    text.replace('onBoot = "20s";', `$& ${schedule("nixos-auto-update")}`),
  );
  const pushed = await cloud.change("modules/home.nix", (text) =>
    text.replace('onBoot = "40s";', `$& ${schedule("nixos-hm-auto-update")}`),
  );
  expect((await cloud.local("reboot", "dev-alice")).exitCode).toBe(0);
  await until("the push is here", 120, async () => (await cloud.status())["dev-alice"]?.system?.revision === pushed);
  const fired = "requested by its schedule";
  // A minute's schedule, and up to a minute by which systemd may be late.
  await until("both fired", 200, async () => (await said(fired, system)) > 0 && (await said(fired, home)) > 0);
});

it("may reboot from the sandbox of its unit", async () => {
  const unit = "/etc/systemd/system/nixos-auto-update-reboot.service";
  const attempt = "/run/systemd/system/attempt.service";
  await cloud.in("dev-alice", `sed 's|^ExecStart=.*|ExecStart=/usr/sbin/shutdown -r +60|' ${unit} >${attempt}`);
  // A unit with this condition does nothing, and does not fail, where no update noted that it needs a reboot.
  const noted = `touch ${contract.paths.run}/reboot-required`;
  await cloud.in("dev-alice", `${noted} && systemctl start nixos-auto-update-reboot`);
  await cloud.in("dev-alice", `${noted} && systemctl daemon-reload && systemctl start attempt`);
  expect(await cloud.in("dev-alice", "cat /run/systemd/shutdown/scheduled && shutdown -c")).toContain("MODE=reboot");
});
