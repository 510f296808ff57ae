/** Timers: each fires by itself, once, at its time. Compressed by configuration, as an infra team would set it. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { contract } from "../../rules/contract";
import { Lab } from "../faults/lab";
import type { Source } from "../faults/source";
import type { Vm } from "../faults/vm";
import { pace, patience } from "../setup/pace";

let lab: Lab;
let source: Source;
let vm: Vm;

const system = {
  timer: "nixos-auto-update.timer",
  manager: "",
  journal: "_SYSTEMD_UNIT=nixos-auto-update.service",
};
const home = {
  timer: "nixos-hm-auto-update.timer",
  manager: "--user --machine=alice@",
  journal: "_SYSTEMD_USER_UNIT=nixos-hm-auto-update.service",
};
type Timer = typeof system | typeof home;

/** How often an agent says so since the last boot. */
async function said(what: string, { journal }: Timer): Promise<number> {
  const text = await vm.sh(`journalctl --boot ${journal} --no-pager -o cat`);
  return text.split("\n").filter((line) => line.includes(what)).length;
}

const property = (name: string, { timer, manager }: Timer) =>
  vm.sh(`systemctl ${manager} show ${timer} --property=${name} --value`);

/** A point in time of the timer's, in seconds; systemd's "Tue 2026-11-24 15:53:25 UTC" is one that JavaScript reads. */
const at = async (name: string, timer: Timer) => Date.parse(await property(name, timer)) / 1000;

/** Seconds that the timer took from its start to its last trigger. */
const took = async (timer: Timer) => (await at("LastTriggerUSec", timer)) - (await at("ActiveEnterTimestamp", timer));

/** Seconds from a boot to the system's update; the home's comes after twice as many. A busy machine takes its time to start Alice's manager. */
const afterBoot = Math.ceil(10 * pace);

/** Waits until both agents say so. */
const bothSay = (what: string, seconds: number) =>
  expect
    .poll(async () => [(await said(what, system)) > 0, (await said(what, home)) > 0], {
      timeout: patience(seconds),
      interval: 1000,
    })
    .toEqual([true, true]);

/** @param more of both services' settings */
async function commit(more = ""): Promise<void> {
  // Without its watcher nothing but the timers starts the system's update.
  source.extra = `users.users.alice.isNormalUser = true;
    services.nixos-auto-update = { onBoot = lib.mkForce "${afterBoot}s"; watch = false; allowReboot = true; ${more} };`;
  await source.edit(
    "homes/alice.nix",
    () => `{ ... }:
{
  imports = [ ../modules/home.nix ];
  home.username = "alice";
  home.homeDirectory = "/home/alice";
  services.nixos-hm-auto-update = { onBoot = "${2 * afterBoot}s"; ${more} };
}
`,
  );
  await source.commit();
}

beforeAll(async () => {
  lab = await Lab.open();
  source = await lab.source();
  await commit();
  vm = await lab.vm("timers", source, { homes: [{ user: "alice", attribute: "alice" }] });
});
afterAll(() => lab.close());

it("fires after the boot, the system's and then the home's, once each", async () => {
  await vm.powerOff();
  await vm.until("the timers are armed", `systemctl ${home.manager} is-active --quiet ${home.timer}`, 60);
  expect(await property("NextElapseUSecMonotonic", system)).not.toBe("");
  expect(await property("NextElapseUSecMonotonic", home)).not.toBe("");
  const fired = "requested by its timer after boot";
  await bothSay(fired, 100);
  expect(await said(fired, system)).toBe(1);
  expect(await said(fired, home)).toBe(1);
  // Whole seconds, each of them up to one off.
  expect(await took(system)).toBeGreaterThanOrEqual(afterBoot - 1);
  expect(await took(home)).toBeGreaterThanOrEqual(2 * afterBoot - 1);
});

it("fires on its schedule", async () => {
  await commit('dates = "*:0/1"; randomizedDelaySec = "1s";');
  await vm.powerOff();
  await vm.until("the push is here", `grep -qx ${source.number} /etc/lab`, 120);
  // A minute's schedule, and up to a minute by which systemd may be late.
  await bothSay("requested by its schedule", 200);
});

it("may reboot from the sandbox of its unit", async () => {
  const unit = "/etc/systemd/system/nixos-auto-update-reboot.service";
  const attempt = "/run/systemd/system/attempt.service";
  await vm.sh(`sed 's|^ExecStart=.*|ExecStart=/usr/sbin/shutdown -r +60|' ${unit} >${attempt}`);
  // A unit with this condition does nothing, and does not fail, where no update noted that it needs a reboot.
  const noted = `touch ${contract.paths.run}/reboot-required`;
  await vm.sh(`${noted} && systemctl start nixos-auto-update-reboot`);
  await vm.sh(`${noted} && systemctl daemon-reload && systemctl start attempt`);
  expect(await vm.sh("cat /run/systemd/shutdown/scheduled && shutdown -c")).toContain("MODE=reboot");
});
