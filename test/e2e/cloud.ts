/** A local cloud of the tests' own, used as a person uses it: by the project's commands. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { short } from "../../rules/contract";
import { findFleet } from "../../cli/fleet";
import { connect, type Compute } from "../../cli/google/compute";
import { StatusReader } from "../../cli/status/reader";
import type { VmStatus } from "../../cli/status/status";
import { startDaemon } from "../../local/cli/daemon";
import { daemonInfo, engine, exports as exportLines } from "../../local/cli/environment";
import { down } from "../../local/cli/down";
import { openState } from "../../local/cli/paths";
import { bumpLock, push, seed } from "../../local/cli/repository";
import { power } from "../../local/cli/vm";
import { leaderOf } from "../../local/machines/container";
import { cloudNames, machineNames } from "../../local/machines/names";
import { enter } from "../../local/machines/nspawn";
import { buildImage, downAfterUs, traces } from "../agents/setup/host";
import { bundledProgram, languageHost } from "../setup/language-host";
import type { RunningCommand, CommandResult } from "../setup/command-result";
import { startProgramServer, type ProgramServer } from "../setup/program-server";
import { until as wait } from "../setup/until";

const project = resolve(__dirname, "../..");

/** Without its preview, which runs the whole program again; `local up` and `preview` have it. */
const UP = "up --yes --skip-preview";

/** A command of this cloud's that runs. */
export interface CloudCommand extends RunningCommand {
  /** Waits until it has said something. */
  says: (text: string) => Promise<void>;
  /** Ctrl-C. */
  interrupt: () => void;
}

/** What Nix makes of a revision for a VM. */
interface Built {
  system: string;
  nixpkgs: string;
}

/** What a file's text is to be. */
type Edit = (text: string) => string;

export class TestCloud {
  readonly state = mkdtempSync(join(tmpdir(), "nixos-fleet-e2e-"));
  protected readonly place = openState(this.state);
  readonly clone = this.place.configClone;
  /** The stack's configuration where a test changes it; the project's own stays as it is. */
  protected readonly config = join(this.state, "Pulumi.local.yaml");
  private exports: string | undefined;
  /** Where the program is the bundle: it and its plugins are loaded once. */
  private programServer: ProgramServer | undefined;
  /** By VM and revision. */
  private readonly built: Record<string, Built> = {};
  protected readonly env: Record<string, string> = { NIXOS_FLEET_STATE: this.state, NO_COLOR: "1" };

  /** @param program the folder whose program `pulumi` runs: its bundle, or the project's own, from its sources, as users have it */
  constructor(private program: string = bundledProgram) {
    downAfterUs(this.state);
  }

  /** From now on `pulumi` runs the bundle, which loads once. */
  useBundle(): void {
    this.program = bundledProgram;
    this.exports = undefined;
  }

  private begin(file: string, args: string[]): CloudCommand {
    const running = execa(file, args, { cwd: project, env: this.env, all: true, reject: false, stdin: "ignore" });
    let said = "";
    running.all.on("data", (data: Buffer) => (said += data.toString()));
    const ended = running.then(({ exitCode, all }) => ({ exitCode: exitCode ?? -1, text: all }));
    const over = ended.then(({ text }) => Promise.reject(new Error(text)));
    over.catch(() => undefined);
    return {
      says: (text) => Promise.race([over, until(`it says ${text}`, 180, () => Promise.resolve(said.includes(text)))]),
      said: () => said,
      interrupt: () => running.kill("SIGINT"),
      ended,
    };
  }

  private run(file: string, args: string[]): Promise<CommandResult> {
    return this.begin(file, args).ended;
  }

  /**
   * The cloud and its fleet from nothing, as `local up` brings them up, but for what that shows to a person.
   * @param edits of files of the config repository, before the first VM boots
   */
  async start(edits: Record<string, Edit> = {}): Promise<void> {
    await seed(this.place);
    for (const [file, edit] of Object.entries(edits)) this.edit(file, edit);
    if (Object.keys(edits).length > 0) await push(this.place, []);
    await startDaemon(this.place, await buildImage());
    mkdirSync(this.place.pulumi);
    const { exitCode, text } = await this.shell(`pulumi -C ${this.program} stack select --create local`);
    assert.equal(exitCode, 0, text);
    await this.up();
    await until("every home has reported", 180, async () =>
      Object.values(await this.status()).every(({ homes }) => Object.values(homes).every((home) => home !== null)),
    );
  }

  /** Starts, stops or resets a VM, and waits until Compute says that it is done. */
  power(vm: string, action: "start" | "stop" | "reset"): Promise<void> {
    return power(this.place, vm, action);
  }

  local(...args: string[]): Promise<CommandResult> {
    return this.run(join(project, "scripts/local"), args);
  }

  /** What a shell evaluates to reach this cloud; asked for once, it stays the same while the cloud is up. */
  private async environment(): Promise<string> {
    if (this.exports === undefined) {
      const { exitCode, text } = await this.local("env");
      if (exitCode !== 0) throw new Error(text);
      const path = /^export PATH='(.*)'$/m.exec(text)?.[1] ?? "";
      const quick = this.program === project ? {} : languageHost(await engine(), path);
      this.exports = `${text}\n${exportLines(quick)}`;
    }
    return this.exports;
  }

  /** A command in the shell that `local env` makes. */
  async shell(command: string): Promise<CommandResult> {
    return this.run("bash", ["-c", `${await this.environment()}\n${command}`]);
  }

  async pulumi(command: string): Promise<CommandResult> {
    if (this.program === project || !/^(up|preview|refresh) /.test(command)) return this.shell(this.written(command));
    this.programServer ??= await this.startProgramServer();
    const { client, env } = this.programServer;
    return this.shell(`${exportLines(env)}\n${this.written(command)} ${client}`);
  }

  private async startProgramServer(): Promise<ProgramServer> {
    const { text } = await this.shell("env --null");
    const variables = text.split("\0").filter((line) => line.includes("="));
    return startProgramServer(
      this.program,
      Object.fromEntries(variables.map((line) => [line.split("=", 1)[0] ?? "", line.slice(line.indexOf("=") + 1)])),
    );
  }

  /** Starts a command of the operator's tool and does not wait for its end. */
  async beginFleet(command: string): Promise<CloudCommand> {
    return this.begin("bash", ["-c", `${await this.environment()}\nexec ${project}/scripts/fleet ${command}`]);
  }

  /** An `up` that has only begun; `settings` go before it, such as `VARIABLE=value`. */
  async beginUp(settings = ""): Promise<CloudCommand> {
    return this.begin("bash", ["-c", `${await this.environment()}\n${settings} ${this.written(UP)}`]);
  }

  private written(command: string): string {
    const config = existsSync(this.config) ? this.config : join(project, "Pulumi.local.yaml");
    return `pulumi -C ${this.program} ${command} --stack local --non-interactive --color never --config-file ${config}`;
  }

  /** `pulumi up`, which must end well unless a test says that it must not; its output. */
  async up(ends: "well" | "badly" = "well"): Promise<string> {
    const { exitCode, text } = await this.pulumi(UP);
    assert.equal(exitCode === 0 ? "well" : "badly", ends, text);
    return text;
  }

  /** Sets keys of the stack's configuration, in the form of `pulumi config set --path KEY VALUE`. */
  async configure(...settings: string[]): Promise<void> {
    if (!existsSync(this.config)) writeFileSync(this.config, readFileSync(join(project, "Pulumi.local.yaml")));
    for (const setting of settings) {
      const { exitCode, text } = await this.pulumi(`config set ${setting}`);
      if (exitCode !== 0) throw new Error(text);
    }
  }

  /** A command in a VM, as root, as `local ssh` runs it; throws when it fails. */
  async in(vm: string, command: string): Promise<string> {
    const leader = leaderOf(machineNames(cloudNames(this.state), vm));
    if (leader === undefined) throw new Error(`${vm} does not run`);
    const [file, ...args] = enter(leader, ["/bin/sh", "-c", command]);
    const { exitCode, text } = await this.run(file, args);
    if (exitCode !== 0) throw new Error(`${vm}: ${command}\n${text}`);
    return text;
  }

  /** A property of a unit of a VM, or of a unit of one of its users. */
  property(vm: string, unit: string, name: string, user?: string): Promise<string> {
    const manager = user === undefined ? "" : `--user -M ${user}@`;
    return this.in(vm, `systemctl ${manager} show ${unit} --property=${name} --value`);
  }

  /** Seen from outside: what runs is what is built here and now from a revision, and the service is of it. */
  async expectRuns(vm: string, revision: string): Promise<void> {
    const { system, nixpkgs } = (this.built[`${vm} ${revision}`] ??= await this.build(vm, revision));
    const links = "readlink -f /run/current-system /nix/var/nix/profiles/system";
    const [current, profile, ...version] = (await this.in(vm, `${links}; cat /run/fleet-demo/version`)).split("\n");
    assert.deepEqual([current, profile], [system, system], vm);
    assert(version.join("\n").includes(nixpkgs), `${vm} shows ${version.join("\n")}`);
  }

  /** Builds a VM's system of a revision in the VM itself, as nothing but Nix does it; its path, and the short revision of its nixpkgs. */
  private async build(vm: string, revision: string): Promise<Built> {
    const flake = `git+file:///etc/nixos?rev=${revision}#nixosConfigurations.\\"${vm}\\".config.system.build.toplevel`;
    await this.in(
      vm,
      `git -C /etc/nixos cat-file -e ${revision} || git -C /etc/nixos fetch --quiet origin ${revision}`,
    );
    const system = await this.in(vm, `cd / && nix build --no-link --print-out-paths "${flake}"`);
    const lock = JSON.parse(await this.in(vm, `git -C /etc/nixos show ${revision}:flake.lock`)) as {
      nodes: { nixpkgs: { locked: { rev: string } } };
    };
    return { system, nixpkgs: short(lock.nodes.nixpkgs.locked.rev) };
  }

  async generations(vm: string): Promise<number> {
    return Number(await this.in(vm, "ls /nix/var/nix/profiles | grep -c 'system-.*-link'"));
  }

  /** The Compute API, as the operator's tool reaches it. */
  compute(): Compute {
    const { endpoint, project } = this.daemon();
    return connect({ project, endpoint, identity: { accessToken: "local" } });
  }

  /** The Compute API's. */
  endpoint(): string {
    return this.daemon().endpoint;
  }

  private daemon() {
    return daemonInfo(this.place);
  }

  /** What `fleet status --json` says of each VM. Read in this process: who waits asks often, and each start of the tool takes a second. */
  async status(): Promise<Record<string, VmStatus>> {
    const compute = this.compute();
    const { vms } = await new StatusReader({ compute, id: await findFleet(compute, {}) }).read();
    return Object.fromEntries(vms.map((vm) => [vm.name, vm]));
  }

  /** Replaces text in a file of the operator's clone. */
  protected edit(file: string, edit: Edit): void {
    const path = join(this.clone, file);
    const before = readFileSync(path, "utf8");
    const after = edit(before);
    if (after === before) throw new Error(`${file}: the edit changed nothing`);
    writeFileSync(path, after);
  }

  /** Replaces text in a file of the operator's clone and pushes it; answers the new revision. */
  async change(file: string, edit: Edit): Promise<string> {
    this.edit(file, edit);
    await push(this.place, []);
    return this.head();
  }

  /** Pushes a changed flake.lock; answers the new revision. */
  async bump(): Promise<string> {
    await bumpLock(this.place);
    return this.head();
  }

  async head(): Promise<string> {
    const { stdout } = await execa({ cwd: this.clone })`git rev-parse HEAD`;
    return stdout;
  }

  /** What of this cloud is on the host: processes, mounts, links, namespaces, and its directory. */
  traces(): string[] {
    return [...traces(this.state), ...(existsSync(this.state) ? [this.state] : [])];
  }

  async down(): Promise<void> {
    this.exports = undefined;
    // It would keep this process, and its plugins the cloud's addresses.
    this.programServer?.stop();
    this.programServer = undefined;
    await down(this.place);
    rmSync(this.state, { recursive: true, force: true });
  }
}

/** Waits until a check holds, asking every half second. */
export function until(what: string, seconds: number, holds: () => Promise<boolean>): Promise<void> {
  return wait(what, seconds, holds, 500);
}
