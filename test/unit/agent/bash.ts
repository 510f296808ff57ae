/** Runs parts of the agents' bash without root: sourced by a script that sets what their driver would. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contract } from "../../../rules/contract";

const agent = join(__dirname, "../../../nix/agent");

/** A folder for one test, with programs of its own on PATH. */
export class Bench {
  readonly root = mkdtempSync(join(tmpdir(), "agent-"));

  constructor() {
    for (const folder of ["bin", "state", "run"]) mkdirSync(join(this.root, folder));
  }

  /** Puts a program on PATH. */
  fake(name: string, text: string): void {
    writeFileSync(join(this.root, "bin", name), `#!/usr/bin/env bash\n${text}\n`);
    chmodSync(join(this.root, "bin", name), 0o755);
  }

  path(name: string): string {
    return join(this.root, name);
  }

  /** A program that sources parts and runs a script. */
  program(parts: readonly string[], script: string): string {
    return `set -euo pipefail
      program=test agent_dir=${agent} contract_file=${join(agent, "../../contract.json")}
      state_dir=${this.path("state")} run_dir=${this.path("run")} mirror=${this.path("state/mirror.git")}
      error_bytes=${contract.report.errorBytes} agent_version=0 attribute_namespace=nixos-fleet
      git_protocols=file system_unit=nixos-auto-update
      ${parts.map((part) => `. ${agent}/${part}.bash`).join("\n")}
      ${script}`;
  }

  /** The environment that it runs in. */
  get env(): NodeJS.ProcessEnv {
    return {
      HOME: this.root,
      PATH: `${this.path("bin")}:${process.env["PATH"] ?? ""}`,
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_AUTHOR_NAME: "a",
      GIT_AUTHOR_EMAIL: "a@example.com",
      GIT_COMMITTER_NAME: "a",
      GIT_COMMITTER_EMAIL: "a@example.com",
    };
  }

  /** Sources parts and runs a script; its exit status and what it printed. */
  run(parts: readonly string[], script: string): { status: number | null; stdout: string; stderr: string } {
    return spawnSync("bash", ["-c", this.program(parts, script)], { encoding: "utf8", env: this.env });
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
