import { execFileSync, spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { agentFiles, renderStartupScript } from "../../infra/startup";

describe("the startup script", () => {
  const script = renderStartupScript(agentFiles());

  it("is a program that sh and shellcheck accept", () => {
    execFileSync("sh", ["-n"], { input: script });
    const { stdout } = spawnSync("shellcheck", ["--shell=sh", "-"], { input: script, encoding: "utf8" });
    expect(stdout).toBe("");
  });

  it("carries the agent byte for byte", () => {
    for (const text of Object.values(agentFiles())) expect(script).toContain(text);
  });

  it("tests for its finished work before it does anything else", () => {
    const commands = script.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    expect(commands.slice(0, 2)).toEqual(["set -eu", "[ ! -e /var/lib/nixos-auto-update/bootstrapped ] || exit 0"]);
  });

  it("is refused when Compute would refuse it", () => {
    expect(() => renderStartupScript({ "big.bash": "#".repeat(300_000) })).toThrow("Compute takes 262144");
  });

  it("is refused when a file would end early", () => {
    expect(() => renderStartupScript({ "a.bash": "x\nEND-OF-NIXOS-FLEET-FILE\ny" })).toThrow("a.bash");
  });
});
