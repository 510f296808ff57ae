import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { agentFiles, renderStartupScript } from "../../../infra/startup";

describe("the startup script's text", () => {
  const script = renderStartupScript(agentFiles());

  it("is this, around the agent's files", () => {
    expect(renderStartupScript({ "a.bash": "echo $HOME\n" })).toMatchInlineSnapshot(`
      "#!/bin/sh
      # Makes this VM a member of its fleet: see the unit nixos-auto-update-bootstrap and its journal.
      set -eu
      [ ! -e /var/lib/nixos-auto-update/bootstrapped ] || exit 0

      PATH=/run/current-system/sw/bin:\${PATH:-/usr/sbin:/usr/bin:/sbin:/bin}
      export PATH
      if systemctl is-active --quiet nixos-auto-update-bootstrap.service; then
        echo "nixos-auto-update-bootstrap runs already"
        exit 0
      fi

      # Users read these as well: a home's first update is its user's.
      umask 022
      agent=/run/nixos-fleet/agent
      mkdir -p "$agent"
      cat >"$agent/a.bash" <<'END-OF-NIXOS-FLEET-FILE'
      echo $HOME
      END-OF-NIXOS-FLEET-FILE

      # A unit of its own, which no switch stops, and which is tried again for as long as it fails.
      systemd-run --quiet --collect --unit=nixos-auto-update-bootstrap --property=SyslogIdentifier=nixos-auto-update \\
        --property=Restart=on-failure --property=RestartSec=10 --property=StartLimitIntervalSec=0 \\
        --setenv=HOME=/root --setenv=PATH="$PATH" --setenv=NIXOS_FLEET_AGENT="$agent" \\
        "$(command -v bash)" "$agent/nixos-auto-update.bash" bootstrap
      echo "nixos-auto-update-bootstrap started"
      "
    `);
  });

  it("is a program that sh and shellcheck accept", () => {
    execFileSync("sh", ["-n"], { input: script });
    const { stdout } = spawnSync("shellcheck", ["--shell=sh", "-"], { input: script, encoding: "utf8" });
    expect(stdout).toBe("");
  });

  it("fits well below what Compute takes, beside all other metadata", () => {
    expect(Buffer.byteLength(script)).toBeLessThan(160 * 1024);
  });

  it("is refused when Compute would refuse it", () => {
    expect(() => renderStartupScript({ "big.bash": "#".repeat(300_000) })).toThrow("Compute takes 262144");
  });

  it("is refused when a file would end early", () => {
    expect(() => renderStartupScript({ "a.bash": "x\nEND-OF-NIXOS-FLEET-FILE\ny" })).toThrow("a.bash");
  });
});

describe("the startup script, run", () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "startup-"));
    mkdirSync(join(root, "bin"));
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  /** Puts a program on PATH. */
  const fake = (name: string, text: string) => {
    writeFileSync(join(root, "bin", name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(root, "bin", name), 0o755);
  };

  /** Runs it below `root` instead of /run and /var. */
  const run = () =>
    spawnSync("sh", [], {
      input: renderStartupScript(agentFiles()).replaceAll(
        /\/(?=run\/nixos-fleet|var\/lib\/nixos-auto-update\/bootstrapped)/g,
        `${root}/`,
      ),
      env: { PATH: `${join(root, "bin")}:${process.env["PATH"] ?? ""}` },
      encoding: "utf8",
    });
  const started = () => (existsSync(join(root, "started")) ? readFileSync(join(root, "started"), "utf8") : "");

  it("writes the agent byte for byte and hands over to a unit of its own", () => {
    fake("systemctl", "exit 3");
    fake("systemd-run", `echo "$@" >>${root}/started`);
    expect(run()).toMatchObject({ status: 0, stdout: "nixos-auto-update-bootstrap started\n", stderr: "" });
    const agent = join(root, "run/nixos-fleet/agent");
    for (const [name, text] of Object.entries(agentFiles())) expect(readFileSync(join(agent, name), "utf8")).toBe(text);
    expect(started()).toContain("--unit=nixos-auto-update-bootstrap ");
    expect(started()).toContain(`${agent}/nixos-auto-update.bash bootstrap`);
  });

  it("says so and starts nothing while the first update is under way", () => {
    fake("systemctl", "exit 0");
    fake("systemd-run", `echo "$@" >>${root}/started`);
    expect(run()).toMatchObject({ status: 0, stdout: "nixos-auto-update-bootstrap runs already\n" });
    expect(started()).toBe("");
  });

  it("ends at once and in silence where the first update is done", () => {
    fake("systemctl", `echo systemctl >>${root}/started`);
    mkdirSync(join(root, "var/lib/nixos-auto-update"), { recursive: true });
    writeFileSync(join(root, "var/lib/nixos-auto-update/bootstrapped"), "");
    expect(run()).toMatchObject({ status: 0, stdout: "", stderr: "" });
    expect(started()).toBe("");
  });

  it("fails when the unit cannot be started, so that the log says it", () => {
    fake("systemctl", "exit 3");
    fake("systemd-run", "echo no >&2; exit 1");
    expect(run()).toMatchObject({ status: 1, stderr: "no\n" });
  });
});
