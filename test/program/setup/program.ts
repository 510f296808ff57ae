/**
 * The Pulumi program under the real engine, against the local cloud's API with machines that are nothing but memory: they answer an
 * approval at once, as a VM does that has nothing to build.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { execa } from "execa";
import { approvalKey } from "../../../rules/contract";
import { apiServer } from "../../../local/api/server";
import type { CloudState } from "../../../local/api/types";
import { memoryCloud, type MemoryCloud } from "../../unit/local/local-machines";
import { bundledProgram, languageHost } from "../../setup/language-host";
import type { RunningCommand, CommandResult } from "../../setup/command-result";
import { startProgramServer, type ProgramServer } from "../../setup/program-server";
import { meanwhile, outage, refuse, stall, type Outage } from "./api-faults";
import { instanceAction, type Action } from "./instance-action";
import { MemoryVms } from "./memory-vms";
import { killGate, signal } from "./processes";
import { nameOf, readable, type Recorded } from "./recorded";
import type { Approval } from "../../../rules/rollout/approval";
import { ENCRYPTED_KEY, SECRETS_PROVIDER, vault } from "./vault";

const project = resolve(__dirname, "../../..");

/** A command of the engine that runs. */
interface EngineCommand extends RunningCommand {
  /** Ctrl-C by default; it reaches the whole process group. */
  interrupt: (name?: NodeJS.Signals) => void;
}

export type { Recorded };

/** How a test's program runs. */
interface Options {
  /** The program's directory; by default that of the bundle of the repository's own. */
  directory?: string;
  /** What the cloud holds already; nothing by default. */
  state?: CloudState;
  /** What the engine's environment has besides, or otherwise, such as another backend. */
  env?: Record<string, string>;
}

/** A stack's state as the engine keeps it in a folder. */
interface State {
  checkpoint: { latest?: { resources?: { type: string; urn: string; inputs?: Record<string, unknown> }[] } };
}

/** Answers `http://127.0.0.1:PORT`. */
async function listen(server: Server): Promise<string> {
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export class Program {
  readonly scratch = mkdtempSync(join(tmpdir(), "nixos-fleet-program-"));
  readonly repository = join(this.scratch, "config");
  readonly cloud: MemoryCloud;
  private readonly server: Server;
  private readonly vault = vault();
  /** Where the cloud's APIs listen, `http://127.0.0.1:PORT`. */
  endpoint = "";
  /** The config repository's revisions, oldest first. */
  private readonly history: string[] = [];
  readonly vms: MemoryVms;
  /** Where gates leave their results. */
  readonly results = join(this.scratch, "results");
  private env: Record<string, string> = {};
  private programServer: ProgramServer | undefined;
  /** Stacks beside this one. */
  private readonly others: string[] = [];
  /** Commands of the engine under way. */
  private readonly running = new Set<{ pid?: number | undefined }>();

  /**
   * @param stack of the tests' own: the engine notes each stack's salt in a file beside the program
   * @param directory the program's; by default the bundle of the repository's own
   */
  private constructor(
    readonly stack: string,
    readonly directory: string,
    state?: CloudState,
  ) {
    this.cloud = memoryCloud(state, undefined, join(this.scratch, "objects"));
    this.server = apiServer(this.cloud);
    this.vms = new MemoryVms(this.cloud, this.history);
  }

  static async start(stack: string, options: Options = {}): Promise<Program> {
    const { directory = bundledProgram, state } = options;
    const program = new Program(stack, directory, state);
    program.cloud.store.onChange(() => program.vms.look());
    program.endpoint = await listen(program.server);
    const { stdout: engine } = await execa(join(project, "tools/build-engine"));
    const path = [engine, join(project, "local/plugins/bin"), process.env["PATH"] ?? ""].join(":");
    program.env = {
      ...(directory === bundledProgram ? languageHost(engine, path) : { PATH: path }),
      PULUMI_BACKEND_URL: `file://${program.scratch}`,
      VAULT_SERVER_URL: await listen(program.vault),
      // Of stacks that are imported.
      PULUMI_CONFIG_PASSPHRASE: "",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_NODEJS_TRANSPILE_ONLY: "true",
      GOOGLE_OAUTH_ACCESS_TOKEN: "local",
      NIXOS_FLEET_COMPUTE_ENDPOINT: `${program.endpoint}/compute/v1/`,
      NIXOS_FLEET_READ_INTERVAL: "1s",
      NIXOS_FLEET_LOGGING_ENDPOINT: `${program.endpoint}/logging/`,
      NIXOS_FLEET_RESULTS: program.results,
      ...options.env,
    };
    if (directory === bundledProgram) program.programServer = await startProgramServer(directory, program.env);
    await program.commit();
    await program.initialize();
    return program;
  }

  /** Another stack of the same repository in the same cloud; both end with the first one's stop. */
  async beside(stack: string): Promise<Program> {
    const other = Object.assign(Object.create(Program.prototype) as Program, this, { stack });
    this.others.push(stack);
    await other.initialize();
    return other;
  }

  /** What the engine and the tool run with, for others who start them. */
  get environment(): Readonly<Record<string, string>> {
    return { ...this.env, ...this.programServer?.env };
  }

  /** What commands that run the program are called with. */
  private get client(): string[] {
    return this.programServer === undefined ? [] : [this.programServer.client];
  }

  private async initialize(): Promise<void> {
    await this.pulumi("stack", "init", this.stack, "--no-select", "--secrets-provider", SECRETS_PROVIDER);
  }

  async stop(): Promise<void> {
    for (const one of this.running) signal(one, "SIGKILL");
    this.programServer?.stop();
    for (const server of [this.server, this.vault]) {
      server.close();
      server.closeAllConnections();
    }
    await this.cloud.operations.settled();
    rmSync(this.scratch, { recursive: true, force: true });
    for (const stack of [this.stack, ...this.others])
      rmSync(join(this.directory, `Pulumi.${stack}.yaml`), { force: true });
  }

  /** The config repository's head. */
  async head(): Promise<string> {
    return (await execa({ cwd: this.repository })`git rev-parse HEAD`).stdout;
  }

  /** Commits a lock to the config repository; answers the new head. */
  async commit(lock = "{}"): Promise<string> {
    await execa({ cwd: this.scratch })`git init --quiet --initial-branch=main ${this.repository}`;
    writeFileSync(join(this.repository, "flake.lock"), lock);
    await execa({ cwd: this.repository })`git add .`;
    await execa({
      cwd: this.repository,
    })`git -c user.name=a -c user.email=a@example.com commit --quiet --allow-empty --message x`;
    const head = await this.head();
    this.history.push(head);
    return head;
  }

  /** The operator's tool, as a person runs it. */
  async fleet(...args: string[]): Promise<CommandResult> {
    const { exitCode, all } = await execa(join(project, "scripts/fleet"), args, {
      cwd: this.directory,
      env: { ...this.env, GOOGLE_CLOUD_PROJECT: "local-project", NIXOS_FLEET_RESOLVE_FROM: this.repository },
      all: true,
      reject: false,
      stdin: "ignore",
    });
    return { exitCode: exitCode ?? -1, text: all };
  }

  /** A wave's approved revision; undefined where there is none. */
  approved(wave: string): string | undefined {
    const value = this.item(approvalKey("devs", this.stack, wave));
    return value === undefined ? undefined : (JSON.parse(value) as Approval).revision;
  }

  /** One item of the project's metadata. */
  item(key: string): string | undefined {
    return this.cloud.store.state.project.metadata.items?.find((one) => one.key === key)?.value;
  }

  /** Starts, stops or deletes a VM, as someone does in Google's console. */
  async instance(name: string, action: Action): Promise<void> {
    await instanceAction(`${this.endpoint}/compute/v1/`, name, action);
    await this.cloud.operations.settled();
  }

  /** Answers how many requests the cloud's APIs have got since. */
  countRequests(): () => number {
    let count = 0;
    this.server.on("request", () => void (count += 1));
    return () => count;
  }

  /** As `outage` in api-faults.ts. */
  outage(kind: Outage): () => void {
    return outage(this.server, this.cloud, kind);
  }

  /** As `refuse` in api-faults.ts. */
  refuse(what: RegExp, ...how: [times?: number, status?: number, said?: string]): () => void {
    return refuse(this.server, what, ...how);
  }

  /** As `stall` in api-faults.ts. */
  stall(once: () => boolean): () => void {
    return stall(this.server, once);
  }

  /** As `meanwhile` in api-faults.ts. */
  meanwhile(what: RegExp, once: () => boolean, happens: () => Promise<unknown>): () => void {
    return meanwhile(this.server, what, once, happens);
  }

  /** The stack's configuration from now on; the repository and the cloud are filled in. */
  configure(config: object): void {
    const all = {
      "gcp:project": "local-project",
      "gcp:region": "europe-west1",
      "nixos-fleet:repository": "https://git.example.invalid/config.git",
      "nixos-fleet:resolveFrom": this.repository,
      ...config,
    };
    // JSON is YAML.
    writeFileSync(
      this.settingsFile,
      JSON.stringify({ secretsprovider: SECRETS_PROVIDER, encryptedkey: ENCRYPTED_KEY, config: all }),
    );
  }

  /** Where that is written. */
  get settingsFile(): string {
    return join(this.scratch, `${this.stack}.yaml`);
  }

  /** Where the engine keeps the stack's state. */
  get stateFile(): string {
    const folder = join(this.scratch, ".pulumi/stacks");
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
    return join(folder, files.find((file) => basename(file) === `${this.stack}.json`) ?? "");
  }

  /** Adds a secret to the present configuration, as a person does: a path such as `nixos-fleet:deployKey`, and its value by stdin. */
  async keep(path: string, value: string): Promise<void> {
    const args = [
      "config",
      "set",
      "--secret",
      "--path",
      path,
      "--stack",
      this.stack,
      "--config-file",
      this.settingsFile,
    ];
    await execa("pulumi", [...args, "--non-interactive"], { cwd: this.directory, env: this.env, input: value });
  }

  pulumi(...args: string[]): Promise<CommandResult> {
    return this.begin(args, this.environment).ended;
  }

  /** `preview`, `up`, `refresh` or `destroy` with the present configuration. */
  run(command: string, ...args: string[]): Promise<CommandResult> {
    return this.pulumi(...this.written(command), ...this.client, ...args);
  }

  /** An `up` that has only begun. */
  up(): EngineCommand {
    return this.begin([...this.written("up"), ...this.client], this.environment);
  }

  /**
   * The same with a language host and plugins that it starts, as a person's does, where it matters how they end or what the language host
   * prints. Others have them loaded once (test/setup/program-server-process.ts).
   */
  upInProcesses(): EngineCommand {
    return this.begin(this.written("up"), this.env);
  }

  /** Kills the gate that waits, if there is one; whether there was. */
  killGate(): boolean {
    return killGate(this.endpoint);
  }

  private written(command: string): string[] {
    const yes = command === "preview" ? [] : ["--yes", "--skip-preview"];
    const common = ["--stack", this.stack, "--config-file", this.settingsFile, "--color", "never", "--non-interactive"];
    return [command, ...yes, ...common];
  }

  private begin(args: string[], env: Readonly<Record<string, string>>): EngineCommand {
    const running = execa("pulumi", args, {
      cwd: this.directory,
      env,
      all: true,
      reject: false,
      stdin: "ignore",
      // A group of its own, so that an interrupt reaches all of it and nothing else, as from a terminal.
      detached: true,
    });
    this.running.add(running);
    let text = "";
    running.all.on("data", (data: Buffer) => (text += data.toString()));
    return {
      said: () => text,
      interrupt: (name = "SIGINT") => signal(running, name),
      ended: running.then(({ exitCode, all }) => {
        this.running.delete(running);
        return { exitCode: exitCode ?? -1, text: all };
      }),
    };
  }

  /** What an `up` would do to the resources that it would not leave alone: name → operation. */
  async changes(): Promise<Record<string, string>> {
    const { exitCode, text } = await this.run("preview", "--json");
    if (exitCode !== 0) throw new Error(text);
    // Warnings stand before and after.
    const json = text.slice(text.search(/^\{$/m), text.search(/^\}$/m) + 1);
    const { steps } = JSON.parse(json) as { steps: { op: string; urn: string }[] };
    return Object.fromEntries(steps.filter(({ op }) => op !== "same").map(({ op, urn }) => [nameOf(urn), op]));
  }

  /**
   * The stack's resources by name, components and the stack itself left out, with the inputs that the provider got. The random end of a
   * name that Pulumi made is `*`, and links are relative.
   */
  resources(): Record<string, Recorded> {
    const { latest } = (JSON.parse(readFileSync(this.stateFile, "utf8")) as State).checkpoint;
    const { resources = [] } = latest ?? {};
    const own = resources.filter(({ type }) => !/^(pulumi:|nixos-fleet:)/.test(type));
    return Object.fromEntries(own.map(({ type, urn, inputs = {} }) => [nameOf(urn), [type, readable(inputs)]]));
  }
}
