/** How a system is activated, by tables. */
import { describe, expect, it } from "vitest";
import {
  activationMode,
  changedInhibitors,
  checkOf,
  needsReboot,
  rollbackAction,
  switchEnd,
} from "../../../rules/decision/activation";

const parts = { kernel: "/k1", initrd: "/i1", modules: "/m1", parameters: "loglevel=4" };

describe("a reboot is needed", () => {
  it.each([
    ["by another kernel", { kernel: "/k2" }, true],
    ["by another initrd", { initrd: "/i2" }, true],
    ["by other modules", { modules: "/m2" }, true],
    ["by other parameters", { parameters: "loglevel=7" }, true],
    ["by nothing else", {}, false],
  ])("%s", (_, changed, needed) => {
    expect(needsReboot(parts, { ...parts, ...changed })).toBe(needed);
  });

  it("never where no system was booted", () => {
    expect(needsReboot(undefined, parts)).toBe(false);
  });
});

describe("the action check", () => {
  const newer =
    "Usage: switch-to-configuration [check|switch|boot|test|dry-activate]\ncheck:        run pre-switch checks\n";
  const older =
    "Usage: switch-to-configuration [switch|boot|test|dry-activate]\nswitch:       make the configuration\n";
  it.each([
    ["passes", { status: 0, output: "" }, "passed"],
    ["fails", { status: 1, output: "kernel\nPre-switch checks failed\n" }, "failed"],
    ["fails with any errno", { status: 2, output: "Pre-switch checks failed\n" }, "failed"],
    ["is not known to older programs", { status: 1, output: older }, "absent"],
    ["is known to those that say so", { status: 1, output: newer }, "failed"],
    ["was killed", { status: undefined, output: "" }, "failed"],
    ["waits for another switch", { status: 11, output: "Could not acquire lock\n" }, "busy"],
    ["fails with the errno of a lock", { status: 11, output: "Pre-switch checks failed\n" }, "failed"],
    ["takes too long", { status: undefined, output: "Pre-switch checks failed\n", limit: true }, "busy"],
  ])("%s", (_, end, kind) => {
    expect(checkOf(end).kind).toBe(kind);
  });
});

describe("switch inhibitors", () => {
  it.each([
    ["JSON, the same", '{"kernel":"a"}', '{"kernel":"a"}', []],
    ["JSON, one changed", '{"dbus":"a","systemd":"b"}', '{"dbus":"a","systemd":"c"}', ["systemd"]],
    ["JSON, one that only one has", '{"dbus":"a"}', '{"systemd":"c"}', []],
    ["JSON, values that are no text", '{"dbus":{"a":1}}', '{"dbus":{"a":2}}', ["dbus"]],
    [
      "text, one changed",
      "/nix/store/0c0nfk3ck5n7y3w5nhk0xvbvhxwrxsqk-systemd-257.9\n",
      "/nix/store/1c0nfk3ck5n7y3w5nhk0xvbvhxwrxsqk-systemd-258.1\n",
      ["systemd"],
    ],
    ["none before", undefined, '{"kernel":"a"}', []],
    ["none after", '{"kernel":"a"}', undefined, []],
    ["empty", "", "", []],
  ])("%s", (_, older, newer, changed) => {
    expect(changedInhibitors(older, newer)).toEqual(changed);
  });
});

describe("a system is activated", () => {
  const inhibitors = { running: '{"dbus":"a"}', target: '{"dbus":"b"}' };
  const same = { running: "{}", target: "{}" };
  const added = { running: undefined, target: '{"dbus":"b"}' };
  const busy = { kind: "busy", why: "another switch runs" } as const;
  it.each([
    ["live where the check passes, whatever the files say", "live", { kind: "passed" }, inhibitors, "live"],
    [
      "by the boot where the check fails",
      "live",
      { kind: "failed", output: "dbus\nPre-switch checks failed" },
      same,
      "boot",
    ],
    ["live without a check and changes", "live", { kind: "absent" }, same, "live"],
    ["by the boot without a check where inhibitors differ", "live", { kind: "absent" }, inhibitors, "boot"],
    ["by the boot where the running system has no inhibitors' file", "live", { kind: "passed" }, added, "boot"],
    ["the same without a check", "live", { kind: "absent" }, added, "boot"],
    ["live where the running system has no inhibitors", "live", { kind: "passed" }, { ...added, running: "" }, "live"],
    ["live where the new one has none", "live", { kind: "passed" }, { running: undefined, target: "{}" }, "live"],
    [
      "live without any inhibitors' file",
      "live",
      { kind: "passed" },
      { running: undefined, target: undefined },
      "live",
    ],
    ["live where the new one has no file", "live", { kind: "passed" }, { ...inhibitors, target: undefined }, "live"],
    ["by the boot where its configuration says so", "boot", { kind: "passed" }, same, "boot"],
    ["by the boot where its configuration says so, also while another switch runs", "boot", busy, same, "boot"],
    ["not yet while another switch runs", "live", busy, same, "busy"],
  ] as const)("%s", (_, setting, check, files, mode) => {
    expect(activationMode({ setting, check, inhibitors: files }).mode).toBe(mode);
  });

  it("says why not live", () => {
    const check = { kind: "failed", output: "dbus\n\nPre-switch checks failed\n" } as const;
    expect(activationMode({ setting: "live", check, inhibitors: same })).toEqual({
      mode: "boot",
      why: "its pre-switch checks fail: dbus",
    });
  });
});

describe("switch-to-configuration ended", () => {
  const activating = "stopping the following units: a\nactivating the configuration...\n";
  const userLeft = `reloading user units for alice...
Error: Failed to get GID for bob

Caused by:
    Unknown object '/org/freedesktop/login1/user/_1001'.
`;
  it.each([
    [0, activating, { kind: "active" }],
    [4, `${activating}warning: the following units failed: a\n`, { kind: "active" }],
    [2, `${activating}Failed to run activate script\n`, { kind: "failed" }],
    [4, `${activating}Failed to run activate script\nwarning: the following units failed: a\n`, { kind: "failed" }],
    [11, "Could not acquire lock\n", { kind: "busy" }],
    [11, `${activating}Unable to list users with logind: timeout\n`, { kind: "failed" }],
    [100, "Warning: the new NixOS configuration has an 'init' that is\nincompatible\n", { kind: "needs reboot" }],
    [100, activating, { kind: "failed" }],
    [1, "Pre-switch checks failed\n", { kind: "refused" }],
    [11, "Pre-switch checks failed\n", { kind: "refused" }],
    [1, "Failed to install bootloader\n", { kind: "boot loader", space: false }],
    [
      1,
      "cp: write error: No space left on device\nFailed to install bootloader\n",
      { kind: "boot loader", space: true },
    ],
    [undefined, activating, { kind: "failed" }],
    [1, "", { kind: "failed" }],
    [1, `${activating}${userLeft}`, { kind: "user left" }],
    [1, `${activating}${userLeft.replace("GID", "runtime directory")}`, { kind: "user left" }],
    [1, `${activating}Failed to run activate script\n${userLeft}`, { kind: "failed" }],
    [undefined, `${activating}${userLeft}`, { kind: "failed" }],
    [1, userLeft, { kind: "failed" }],
    [1, `${activating}Error: Failed to reset failed units\n`, { kind: "failed" }],
  ])("%s, %j", (status, output, end) => {
    expect(switchEnd({ status, output })).toEqual(end);
  });
});

it("a machine goes back by its boot loader alone where the former system still runs", () => {
  expect(rollbackAction({ mode: "boot", running: "/old", former: "/old" })).toBe("boot");
  expect(rollbackAction({ mode: "boot", running: "/new", former: "/old" })).toBe("switch");
  // A switch that was cut short, before it said that the new one runs.
  expect(rollbackAction({ mode: "switch", running: "/old", former: "/old" })).toBe("switch");
});
