/** The startup script, run by a real sh below a folder of the test's, with programs of the test's on PATH. What it does on machines: test/agents. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startupScript, startupScriptLimit } from "../../../infra/startup";
import { contract, fleetPrefix } from "../../../rules/contract";

const script = startupScript();

describe("the startup script's text", () => {
  it("is small, whatever the agent grows to", () => {
    expect(Buffer.byteLength(script)).toBeLessThan(startupScriptLimit);
  });

  it("is a program that sh can read", () => {
    const { status, stderr } = spawnSync("sh", ["-n"], { input: script, encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  it("has the contract's names", () => {
    expect(script).toContain(`state=${contract.paths.state}\n`);
    expect(script).toContain(`unit=${contract.units.bootstrap}\n`);
    expect(script).toContain(`instance/attributes/${contract.instanceMetadata.key} `);
    const key = script.match(/key=\$\(field \S+ '(.+)'\)/)?.[1]?.replaceAll(/"| \+ /g, "");
    expect(key).toBe(`${fleetPrefix("it.fleet", "it.stack")}it.wave`);
  });
});

describe("the startup script, run", () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "startup-"));
    mkdirSync(join(root, "bin"));
    fake("systemctl", "exit 3");
    fake("systemd-run", `printf '%s\\n' "$@" >>${root}/started`);
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  /** Puts a program on PATH. */
  const fake = (name: string, text: string) => {
    writeFileSync(join(root, "bin", name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(root, "bin", name), 0o755);
  };

  /** Runs it below `root` instead of /run and /var, as the runner of startup scripts does: from a file. */
  const run = (...args: string[]) => {
    const file = join(root, "script");
    writeFileSync(file, script.replaceAll(/=\/(?=run\/|var\/)/g, `=${root}/`));
    const env = { PATH: `${join(root, "bin")}:${process.env["PATH"] ?? ""}` };
    return spawnSync("sh", [file, ...args], { env, encoding: "utf8" });
  };
  const started = () => (existsSync(join(root, "started")) ? readFileSync(join(root, "started"), "utf8") : "");

  it("hands over to a unit of its own, which is tried again for as long as it fails", () => {
    expect(run()).toMatchObject({ status: 0, stdout: "nixos-auto-update-bootstrap started\n", stderr: "" });
    expect(started()).toContain("--unit=nixos-auto-update-bootstrap\n");
    expect(started()).toContain("--property=Restart=on-failure\n");
    expect(started()).toContain(`sh\n${root}/run/nixos-fleet/startup\nbootstrap\n`);
    expect(readFileSync(join(root, "run/nixos-fleet/startup"), "utf8")).toContain("#!/bin/sh");
  });

  it("says so and starts nothing while the first update is under way", () => {
    fake("systemctl", "exit 0");
    expect(run()).toMatchObject({ status: 0, stdout: "nixos-auto-update-bootstrap runs already\n" });
    expect(started()).toBe("");
  });

  it("ends at once and in silence where the first update is done", () => {
    mkdirSync(join(root, "var/lib/nixos-auto-update"), { recursive: true });
    writeFileSync(join(root, "var/lib/nixos-auto-update/bootstrapped"), "");
    expect(run()).toMatchObject({ status: 0, stdout: "", stderr: "" });
    expect(started()).toBe("");
  });

  it("fails when the unit cannot be started, so that the log says it", () => {
    fake("systemd-run", "echo no >&2; exit 1");
    expect(run()).toMatchObject({ status: 1, stderr: "no\n" });
  });

  it("starts the agent that the image brings, and asks nobody for anything", () => {
    const installed = join(root, "run/current-system/sw/bin");
    mkdirSync(installed, { recursive: true });
    writeFileSync(join(installed, "nixos-auto-update"), '#!/bin/sh\necho "agent $*"\n');
    chmodSync(join(installed, "nixos-auto-update"), 0o755);
    fake("curl", "exit 9");
    fake("nix", "exit 9");
    expect(run("bootstrap")).toMatchObject({ status: 0, stdout: "agent bootstrap\n" });
  });

  it.each([
    ["exit 127", /^nixos-fleet: this image has Nix ; 2\.18 or newer is needed$/m],
    ["echo 'nix (Nix) 2.11.0'", /^nixos-fleet: this image has Nix 2\.11\.0; 2\.18 or newer is needed$/m],
  ])("says in one line what the image lacks: nix is `%s`", (nix, line) => {
    fake("nix", nix);
    const { status, stderr } = run("bootstrap");
    expect(status).toBe(1);
    expect(stderr).toMatch(line);
  });
});
