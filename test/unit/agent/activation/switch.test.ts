/** How a system is switched to, what a switch is run by, and what may not be switched to. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SystemDriver } from "../../../../agent/system/system";
import { systemPlace } from "../../../../agent/system/system-place";
import { modeOf, switchToConfiguration } from "../../../../agent/activation/switch-system";
import { Scratch } from "../scratch";

let scratch: Scratch;
let system: string;
beforeEach(() => {
  scratch = new Scratch();
  system = scratch.in("system");
  mkdirSync(scratch.in("system/bin"), { recursive: true });
  scratch.fake("../system/bin/switch-to-configuration", `echo "$1, delayed: \${DELAYED:-no}" >>${scratch.in("did")}`);
  scratch.fake("nix-env", `echo "nix-env \${*:3}" >>${scratch.in("did")}`);
});
afterEach(() => scratch.remove());

const driver = () =>
  new SystemDriver({
    ...systemPlace(),
    profile: scratch.in("profile"),
    stateFolder: scratch.in("state"),
    runFolder: scratch.in("run"),
  });

/** What was run meanwhile. */
const did = () => readFileSync(scratch.in("did"), "utf8").replaceAll(system, "SYSTEM").trim().split("\n");

it("delays a shutdown for as long as it switches", async () => {
  scratch.fake("systemd-inhibit", `[[ $* == *--what=shutdown*--mode=delay* ]] && DELAYED=yes exec "\${@:5}"`);
  expect(await switchToConfiguration(system, "test")).toEqual({ kind: "done" });
  expect(did()).toEqual(["test, delayed: yes"]);
});

it("switches where a shutdown cannot be delayed", async () => {
  scratch.fake("systemd-inhibit", `echo "Failed to inhibit: no logind" >&2; exit 1`);
  expect(await switchToConfiguration(system, "test")).toEqual({ kind: "done" });
  expect(did()).toEqual(["test, delayed: no"]);
});

describe("a switch that ends half way because a user has logged out", () => {
  /** Each of the words is what one run does: a user leaves it, it succeeds, or another switch holds the lock. */
  const switches = (...runs: ("leaves" | "succeeds" | "locked")[]) => {
    scratch.fake("systemd-inhibit", "exit 1");
    scratch.fake(
      "../system/bin/switch-to-configuration",
      `echo "$1" >>${scratch.in("did")}
      runs=(${runs.join(" ")})
      case \${runs[$(wc -l <${scratch.in("did")}) - 1]} in
        leaves) printf '%s\\n' "activating the configuration..." "Error: Failed to get GID for bob" >&2; exit 1 ;;
        locked) echo "Could not acquire lock" >&2; exit 11 ;;
      esac`,
    );
    return switchToConfiguration(system, "test");
  };

  it("is run again", async () => {
    expect(await switches("leaves", "succeeds")).toEqual({ kind: "done" });
    expect(did()).toEqual(["test", "test"]);
    expect(scratch.log).toContain("a user who logged out ended the switch half way; switching again");
  });

  it("is not held against the revision if it ends so again", async () => {
    const ended = await switches("leaves", "leaves", "succeeds");
    expect(ended).toMatchObject({ kind: "failed", passes: "busy" });
    expect(ended).toHaveProperty("error", expect.stringContaining("Failed to get GID for bob"));
    expect(did()).toEqual(["test", "test"]);
  });

  it("has changed the machine, whatever keeps the second run from starting", async () => {
    const ended = await switches("leaves", "locked");
    expect(ended).toEqual({ kind: "failed", error: "another switch-to-configuration is running", passes: "busy" });
  });
});

describe("a pre-switch check that asks at the terminal whether the host name may change", () => {
  beforeEach(() => {
    scratch.fake("systemd-inhibit", "exit 1");
    scratch.fake(
      "../system/bin/switch-to-configuration",
      `echo "$1: \${EXPECTED_HOSTNAME-none}" >>${scratch.in("did")}`,
    );
  });

  it.each([
    ["is answered by the new system's name", "dev-alice\n", "dev-alice"],
    ["is not answered by a system without a name", undefined, "none"],
    ["is not answered by an empty name", "\n", "none"],
  ])("%s", async (_, hostName, expected) => {
    mkdirSync(scratch.in("system/etc"));
    if (hostName !== undefined) writeFileSync(scratch.in("system/etc/hostname"), hostName);
    await modeOf(system);
    await switchToConfiguration(system, "test");
    await switchToConfiguration(system, "boot");
    expect(did()).toEqual([`check: ${expected}`, `test: ${expected}`, `boot: ${expected}`]);
  });
});

describe("critical components that must not change live", () => {
  const why = "the running system has no switch-inhibitors, which say what must not change live";

  it.each([
    ["are unknown in a system of an older NixOS", () => mkdirSync(scratch.in("older")), { mode: "boot", why }],
    [
      "are none in a system whose file is empty",
      () => {
        mkdirSync(scratch.in("older"));
        writeFileSync(scratch.in("older/switch-inhibitors"), "");
      },
      { mode: "live" },
    ],
    ["are none on a machine without a system", () => undefined, { mode: "live" }],
  ])("%s", async (_, prepare, mode) => {
    writeFileSync(scratch.in("system/switch-inhibitors"), '{"dbus-implementation":"broker"}');
    prepare();
    expect(await modeOf(system, scratch.in("older"))).toEqual(mode);
  });
});

describe("what the next boot brings up", () => {
  beforeEach(() => scratch.fake("systemd-inhibit", "exit 1"));

  it("is left as it is by a switch", async () => {
    expect(await driver().activate(system, "switch")).toEqual({ kind: "done" });
    expect(did()).toEqual(["test, delayed: no"]);
  });

  it.each([
    ["what is kept", () => driver().keep(system)],
    ["an activation by the next boot", () => driver().activate(system, "boot")],
  ])("is set by %s", async (_, act) => {
    expect(await act()).toEqual({ kind: "done" });
    expect(did()).toEqual(["nix-env --set SYSTEM", "boot, delayed: no"]);
  });
});

describe("an update that would orphan its machine", () => {
  const units = () => scratch.in("system/etc/systemd/system");

  it("is refused: it has no agent's timer", async () => {
    mkdirSync(units(), { recursive: true });
    expect(await driver().refusal(system)).toBe(
      "system has no nixos-auto-update.timer: services.nixos-auto-update is not enabled in it",
    );
  });

  it("is one no more with an agent in it", async () => {
    mkdirSync(units(), { recursive: true });
    // A unit of a built system is a link, which may lead to what is not on this machine.
    symlinkSync("/nix/store/not-here", `${units()}/nixos-auto-update.timer`);
    expect(await driver().refusal(system)).toBeUndefined();
  });
});
