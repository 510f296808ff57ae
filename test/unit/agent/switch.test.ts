/** How a system is switched to, and what a switch is run by. */
import { mkdirSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Bench } from "./bash";

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
  mkdirSync(bench.path("system"));
  mkdirSync(bench.path("system/bin"));
  bench.fake("../system/bin/switch-to-configuration", `echo "$1, delayed: \${DELAYED:-no}"`);
});
afterEach(() => bench.remove());

const switched = () => {
  const { status, stderr } = bench.run(["system"], `switch_error=; activate_system ${bench.path("system")} switch`);
  return { status, said: stderr.trim() };
};

it("delays a shutdown for as long as it switches", () => {
  bench.fake("systemd-inhibit", `[[ $* == *--what=shutdown*--mode=delay* ]] && DELAYED=yes exec "\${@:5}"`);
  expect(switched()).toEqual({ status: 0, said: "switch, delayed: yes" });
});

it("switches where nobody can delay one", () => {
  bench.fake("systemd-inhibit", `echo "Failed to inhibit: no logind" >&2; exit 1`);
  expect(switched()).toEqual({ status: 0, said: "switch, delayed: no" });
});

describe("what the next boot brings up", () => {
  const call = (script: string) => {
    bench.fake("nix-env", 'echo "nix-env ${*:3}" >&2');
    bench.fake("systemd-inhibit", "exit 1");
    const system = bench.path("system");
    const { stderr } = bench.run(
      ["log", "profile", "system"],
      `profile=${bench.path("profile")}; ${script.replaceAll("SYSTEM", system)}`,
    );
    return stderr.replaceAll(system, "SYSTEM").trim().split("\n");
  };

  it("is left as it is by a switch", () => {
    expect(call("driver_switch SYSTEM switch")).toEqual(["test, delayed: no"]);
  });

  it.each(["driver_keep SYSTEM", "driver_switch SYSTEM boot"])("is set by %s", (script) => {
    expect(call(script).slice(-2)).toEqual(["nix-env --set SYSTEM", "boot, delayed: no"]);
  });
});
