/**
 * The Pulumi program under the real engine, against the local cloud's API with machines that are nothing but memory: they answer an
 * approval at once, as a VM does that has nothing to build.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { approvalKey, contract, type Approval, type InstanceMetadata, type Report } from "../../contracts";
import { apiServer } from "../../local/api/server";
import type { Instance } from "../../local/api/types";
import { memoryCloud, type MemoryCloud } from "../unit/local-machines";

const project = resolve(__dirname, "../..");
const BOOTED = "2026-06-01T10:00:00Z";

export interface Ran {
  exitCode: number;
  /** Standard output and error as they came. */
  text: string;
}

/** A resource's type and its inputs. */
export type Recorded = [type: string, inputs: Record<string, unknown>];

interface State {
  deployment: { resources?: { type: string; urn: string; inputs?: Record<string, unknown> }[] };
}

export class Program {
  readonly scratch = mkdtempSync(join(tmpdir(), "nixos-fleet-program-"));
  readonly repository = join(this.scratch, "config");
  readonly cloud: MemoryCloud = memoryCloud();
  private readonly server = apiServer(this.cloud);
  private env: Record<string, string> = {};

  /** @param stack of the tests' own: the engine notes each stack's salt in a file beside the program */
  private constructor(readonly stack: string) {}

  static async start(stack: string): Promise<Program> {
    const program = new Program(stack);
    program.cloud.store.onChange(() => program.answer());
    await new Promise<void>((listening) => program.server.listen(0, "127.0.0.1", listening));
    const { port } = program.server.address() as AddressInfo;
    const { stdout: engine } = await execa(join(project, "tools/build-engine"));
    program.env = {
      PATH: [engine, join(project, "local/plugins/bin"), process.env["PATH"] ?? ""].join(":"),
      PULUMI_BACKEND_URL: `file://${program.scratch}`,
      PULUMI_CONFIG_PASSPHRASE: "",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_NODEJS_TRANSPILE_ONLY: "true",
      GOOGLE_OAUTH_ACCESS_TOKEN: "local",
      NIXOS_FLEET_COMPUTE_ENDPOINT: `http://127.0.0.1:${port}/compute/v1/`,
    };
    await program.commit();
    await program.pulumi("stack", "init", stack, "--no-select");
    return program;
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await this.cloud.operations.settled();
    rmSync(this.scratch, { recursive: true, force: true });
    rmSync(join(project, `Pulumi.${this.stack}.yaml`), { force: true });
  }

  /** The config repository's head. */
  async head(): Promise<string> {
    return (await execa({ cwd: this.repository })`git rev-parse HEAD`).stdout;
  }

  private async commit(): Promise<void> {
    await execa({ cwd: this.scratch })`git init --quiet --initial-branch=main ${this.repository}`;
    writeFileSync(join(this.repository, "flake.lock"), "{}");
    await execa({ cwd: this.repository })`git add .`;
    await execa({ cwd: this.repository })`git -c user.name=a -c user.email=a@example.com commit --quiet --message x`;
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
    writeFileSync(join(this.scratch, "stack.yaml"), JSON.stringify({ config: all }));
  }

  async pulumi(...args: string[]): Promise<Ran> {
    const { exitCode, all } = await execa("pulumi", args, {
      cwd: project,
      env: this.env,
      all: true,
      reject: false,
      stdin: "ignore",
    });
    return { exitCode: exitCode ?? -1, text: all };
  }

  /** `preview`, `up` or `destroy` with the present configuration. */
  run(command: string, ...args: string[]): Promise<Ran> {
    const file = join(this.scratch, "stack.yaml");
    const yes = command === "preview" ? [] : ["--yes", "--skip-preview"];
    const common = ["--stack", this.stack, "--config-file", file, "--color", "never", "--non-interactive"];
    return this.pulumi(command, ...yes, ...common, ...args);
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
  async resources(): Promise<Record<string, Recorded>> {
    const { text } = await this.pulumi("stack", "export", "--stack", this.stack);
    const { resources = [] } = (JSON.parse(text) as State).deployment;
    const own = resources.filter(({ type }) => !/^(pulumi:|nixos-fleet:)/.test(type));
    return Object.fromEntries(own.map(({ type, urn, inputs = {} }) => [nameOf(urn), [type, readable(inputs)]]));
  }

  /** Every running VM reports what its wave is approved for. */
  private answer(): void {
    const { store } = this.cloud;
    for (const instance of store.instances()) {
      const approved = this.approvalOf(instance);
      const known = store.state.guestAttributes[instance.name] ?? {};
      const key = `${contract.guestAttributes.namespace}/${contract.guestAttributes.system}`;
      const report = instance.status === "RUNNING" && approved ? JSON.stringify(reportOf(approved)) : undefined;
      if (report === undefined || known[key] === report) continue;
      store.state.guestAttributes = { ...store.state.guestAttributes, [instance.name]: { ...known, [key]: report } };
    }
  }

  private approvalOf({ metadata }: Instance): Approval | undefined {
    const described = metadata.items?.find(({ key }) => key === contract.instanceMetadata.key)?.value;
    if (described === undefined) return undefined;
    const { fleet, stack, wave = "" } = JSON.parse(described) as InstanceMetadata;
    const { items = [] } = this.cloud.store.state.project.metadata;
    const value = items.find(({ key }) => key === approvalKey(fleet, stack, wave))?.value;
    return value === undefined ? undefined : (JSON.parse(value) as Approval);
  }
}

function reportOf({ revision, lock }: Approval): Report {
  return {
    revision,
    approved: revision,
    lock,
    toplevel: "/nix/store/system",
    outcome: "updated",
    rolledBack: false,
    rebootRequired: false,
    at: BOOTED,
    bootedAt: BOOTED,
    agent: contract.agent,
  };
}

function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

function readable(inputs: Record<string, unknown>): Record<string, unknown> {
  const made = Array.isArray(inputs["__defaults"]) && inputs["__defaults"].includes("name");
  const own = Object.entries(inputs).filter(([key]) => !key.startsWith("__") && !(made && key === "name"));
  const written = JSON.stringify(Object.fromEntries(own))
    .replace(/https:\/\/www\.googleapis\.com\/compute\/v1\/projects\/local-project\//g, "")
    .replace(/(devs-[a-z-]+)-[0-9a-f]{7}"/g, '$1-*"');
  return JSON.parse(written) as Record<string, unknown>;
}
