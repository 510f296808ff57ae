/** Users' processes that a switch waits for, with real processes of another user. Only root can start these. */
import { mkdirSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { switchToConfiguration } from "../../../../agent/activation/switch-system";
import { patience } from "../../../setup/pace";
import { until } from "../../../setup/until";
import { Scratch } from "../scratch";

const asNobody = "setpriv --reuid=65534 --regid=65534 --clear-groups";
let scratch: Scratch;

beforeEach(() => {
  scratch = new Scratch();
  mkdirSync(scratch.in("system/bin"), { recursive: true });
  scratch.fake("systemd-inhibit", "exit 1");
  process.env["NIXOS_AUTO_UPDATE_USER_TIMEOUT"] = "1";
});
afterEach(() => {
  delete process.env["NIXOS_AUTO_UPDATE_USER_TIMEOUT"];
  delete process.env["NIXOS_AUTO_UPDATE_SWITCH_TIMEOUT"];
  scratch.remove();
});

const switched = (script: string) => {
  scratch.fake("../system/bin/switch-to-configuration", script);
  return switchToConfiguration(scratch.in("system"), "test");
};

describe.skipIf(process.getuid?.() !== 0)("a user's process that a switch waits for", () => {
  it.each([
    ["has another environment", `${asNobody} env -i sleep 300`],
    ["left the switch's process group", `${asNobody} setsid sleep 300`],
    ["stopped itself", `${asNobody} env -i setsid bash -c 'kill -STOP $$'`],
    ["belongs to root in /proc", `setpriv --ruid=65534 --rgid=65534 --clear-groups setsid sleep 300`],
  ])("is ended after the limit when it %s", async (_, command) => {
    expect(await switched(`${command}\ntrue`)).toEqual({ kind: "done" });
    const line = "the units of nobody did not settle within 1 s; continuing without them";
    await until(line, 5, () => scratch.log.includes(line));
  });

  it("is left alone where an activation script started it", async () => {
    const script = `bash -c '${asNobody} sleep 2; exit $?'`;
    expect(await switched(script)).toEqual({ kind: "done" });
    expect(scratch.log).not.toContain("did not settle");
  });

  it("keeps a switch that it delayed beyond its limit from being held against the revision", async () => {
    process.env["NIXOS_AUTO_UPDATE_SWITCH_TIMEOUT"] = String(patience(3) / 1000);
    const ended = await switched(`${asNobody} env -i sleep 300\nsleep 300`);
    expect(ended).toMatchObject({ kind: "failed", passes: "users" });
  });
});

it("a switch that takes too long by itself is the revision's fault", async () => {
  process.env["NIXOS_AUTO_UPDATE_SWITCH_TIMEOUT"] = "1";
  expect(await switched("sleep 300")).toEqual({
    kind: "failed",
    error: "switch-to-configuration did not end within 1 s",
  });
});
