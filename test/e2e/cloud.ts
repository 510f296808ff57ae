/** A local cloud of the tests' own, used as a person uses it: by the project's commands. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import type { Report } from "../../contracts";

const project = resolve(__dirname, "../..");

export interface Ran {
  exitCode: number;
  /** Standard output and error as they came. */
  text: string;
}

interface StatusVm {
  name: string;
  state: string;
  wave: string;
  wanted: string | null;
  system: Report | null;
  homes: Record<string, Report>;
  drift: string;
}

export class TestCloud {
  readonly state = mkdtempSync(join(tmpdir(), "nixos-fleet-e2e-"));
  readonly clone = join(this.state, "config");
  private readonly env = { NIXOS_FLEET_STATE: this.state, NO_COLOR: "1" };

  private async run(file: string, args: string[], env: Record<string, string> = {}): Promise<Ran> {
    const { exitCode, all } = await execa(file, args, {
      cwd: project,
      env: { ...this.env, ...env },
      all: true,
      reject: false,
      stdin: "ignore",
    });
    return { exitCode: exitCode ?? -1, text: all };
  }

  local(...args: string[]): Promise<Ran> {
    return this.run(join(project, "scripts/local"), args);
  }

  /** A command in the shell that `local env` makes. */
  shell(command: string): Promise<Ran> {
    return this.run("bash", ["-c", `eval "$(./scripts/local env)" && ${command}`]);
  }

  pulumi(command: string): Promise<Ran> {
    return this.shell(`pulumi ${command} --stack local --non-interactive --color never`);
  }

  /** A command in a VM, as root; throws when it fails. */
  async in(vm: string, command: string): Promise<string> {
    const { exitCode, text } = await this.local("ssh", vm, command);
    if (exitCode !== 0) throw new Error(`${vm}: ${command}\n${text}`);
    return text;
  }

  async status(): Promise<Record<string, StatusVm>> {
    const { text } = await this.shell("./scripts/fleet status --json");
    const { vms } = JSON.parse(text) as { vms: StatusVm[] };
    return Object.fromEntries(vms.map((vm) => [vm.name, vm]));
  }

  /** Replaces text in a file of the operator's clone and pushes it; answers the new revision. */
  async change(file: string, edit: (text: string) => string): Promise<string> {
    const path = join(this.clone, file);
    const before = readFileSync(path, "utf8");
    const after = edit(before);
    if (after === before) throw new Error(`${file}: the edit changed nothing`);
    writeFileSync(path, after);
    const { exitCode, text } = await this.local("push", path);
    if (exitCode !== 0) throw new Error(text);
    return this.head();
  }

  async head(): Promise<string> {
    const { stdout } = await execa({ cwd: this.clone })`git rev-parse HEAD`;
    return stdout;
  }

  async down(): Promise<void> {
    await this.local("down");
    rmSync(this.state, { recursive: true, force: true });
  }
}

/** Waits until a check holds, asking every half second. */
export async function until(what: string, seconds: number, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await holds().catch(() => false))) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((later) => setTimeout(later, 500));
  }
}
