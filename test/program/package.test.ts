/** The npm package in a clean folder, as a company uses it: init, preview, up, a changed lock, its rollout, and the next version; by its CI. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { LocalWorkspace, type PreviewResult } from "@pulumi/pulumi/automation";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { bundleAgent } from "../../tools/bundle-agent";
import { pack } from "../../tools/package/pack";
import {
  gitlabVariables,
  jobEnd,
  jobScript,
  jobVariables,
  readPipeline,
  readWorkflow,
  runJob,
  runScript,
  standIns,
  type Contexts,
} from "../unit/cli/init/ci";
import { Program } from "./setup/program";

const root = resolve(__dirname, "../..");
const scratch = mkdtempSync(join(tmpdir(), "nixos-fleet-package-"));
const modules = join(scratch, "node_modules");
const installed = join(modules, "nixos-fleet");
const directory = join(scratch, "my-fleet");
const configuration = `${directory}-config`;

/** The package's types are made and compiled with `--all`: the compilers take longer than all else here. */
const isLong = process.env["NIXOS_FLEET_LONG"] !== undefined;

interface Manifest {
  version: string;
  dependencies: Record<string, string>;
  bin: { fleet: string };
}

let manifest: Manifest;
let program: Program;

/** Installs a tarball as npm does, with the very packages that its manifest asks for and no other, out of the repository's. */
async function install(tarball: string): Promise<void> {
  mkdirSync(installed, { recursive: true });
  await execa("tar", ["--extract", "--file", tarball, "--strip-components=1", "--directory", installed]);
  manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as Manifest;
  for (const name of Object.keys(manifest.dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
}

const fleet = (...args: string[]) => execa(join(installed, manifest.bin.fleet), args, { cwd: scratch, reject: false });

/** What `up` and `preview` are called with: the stack that init wrote. */
const run = (command: string, ...args: string[]) =>
  program.pulumi(command, "--stack", "acme", "--non-interactive", ...args);
const up = () => run("up", "--yes", "--skip-preview", "--color", "never");

beforeAll(async () => {
  await install(await pack(join(scratch, "build"), isLong));
  const options = ["--project", "local-project", "--repository", "https://git.example.invalid/config.git"];
  const { exitCode, stderr } = await fleet("init", "my-fleet", "--stack", "acme", ...options);
  expect(exitCode, stderr).toBe(0);
  program = await Program.start("acme", { directory });
  const stack = join(directory, "Pulumi.acme.yaml");
  // The tests' repository, and no half hour between the waves.
  const text = readFileSync(stack, "utf8").replace(/^ *pause: .*\n/m, "");
  writeFileSync(stack, text.replace("config:\n", `config:\n  nixos-fleet:resolveFrom: ${program.repository}\n`));
});

afterAll(async () => {
  await program.stop();
  rmSync(scratch, { recursive: true, force: true });
});

describe("the package", () => {
  it("holds what it needs in few files, and neither tests nor the local cloud", async () => {
    const { stdout } = await execa("find", [installed, "-type", "f"]);
    const files = stdout.split("\n").map((file) => file.slice(installed.length + 1));
    for (const file of [
      "infra/index.js",
      "infra/startup.sh",
      "infra/startup-loader.sh",
      "cli/dashboard/page.json",
      "contract.json",
      "LICENSE",
      "CHANGELOG.md",
      "policy/index.js",
      ...(isLong ? ["infra/index.d.ts"] : []),
    ])
      expect(files).toContain(file);
    expect(files.length).toBeLessThanOrEqual(160);
    const programs = files.filter((file) => /^[^.]*\.js$/.test(file) && !/^(docs|templates)\//.test(file));
    expect(programs.sort()).toEqual(["agent/main.js", "fleet.js", "infra/index.js", "policy/index.js"]);
    // Each bundle says before a source's text where it is from.
    const sources = programs.flatMap((file) =>
      [...readFileSync(join(installed, file), "utf8").matchAll(/^\s*\/\/ ([\w./-]+\.[jt]s)$/gm)].map(
        ([, path = ""]) => path,
      ),
    );
    expect(sources).toEqual(expect.arrayContaining(["rules/contract.ts", "infra/desired-state.ts", "agent/engine.ts"]));
    expect(
      [...files, ...sources].filter((file) => /(^|\/)(test|tests|local|bench|node_modules)\/|\.test\./.test(file)),
    ).toEqual([]);
  });

  it("has a policy pack whose entry point is there", () => {
    const policy = readFileSync(join(installed, "policy/PulumiPolicy.yaml"), "utf8");
    expect(existsSync(join(installed, "policy", /^main: (.*)$/m.exec(policy)?.[1] ?? ""))).toBe(true);
  });

  it("holds what its Nix package is made of: an agent that works", async () => {
    const nix = readFileSync(join(installed, "nix/package.nix"), "utf8");
    const inputs = new Set([...nix.matchAll(/\.\.\/[\w.]+/g)].map(([path]) => path));
    expect(inputs).toContain("../agent");
    expect([...inputs].filter((path) => !existsSync(join(installed, "nix", path)))).toEqual(["../rules"]);
    expect(nix).toContain('lib.optionalString (builtins.pathExists ../rules) "');
    const bundle = join(scratch, "agent.cjs");
    bundleAgent(bundle, installed);
    const { stdout } = await execa("node", [bundle, "nixos-auto-update", "self-test"], {
      env: { GCE_METADATA_HOST: "127.0.0.1:9" },
    });
    expect(stdout).toContain("works, on Node");
  });

  it.runIf(isLong)(
    "has types that compile in a company's project, and with libraries' own declarations checked",
    async () => {
      const tsc = join(root, "node_modules/typescript/bin/tsc");
      for (const name of ["typescript", "@types/node"]) {
        mkdirSync(dirname(join(modules, name)), { recursive: true });
        symlinkSync(join(root, "node_modules", name), join(modules, name));
      }
      await execa("node", [tsc, "--noEmit", "--skipLibCheck", "false"], { cwd: directory });
      writeFileSync(
        join(directory, "wrong.ts"),
        'import { Fleet } from "nixos-fleet";\nnew Fleet("devs", { vm: [] });\n',
      );
      const { stdout, exitCode } = await execa("node", [tsc, "--noEmit"], { cwd: directory, reject: false });
      rmSync(join(directory, "wrong.ts"));
      expect([exitCode, stdout]).toEqual([2, expect.stringContaining("'vm' does not exist in type 'FleetArgs'")]);
    },
  );

  it("has the tool, which says the one version", async () => {
    const { stdout } = await fleet("--version");
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
    expect([manifest.version, stdout.split(" ").slice(0, 2)]).toEqual([version, ["fleet", version]]);
  });
});

/** The company's repositories, as its CI checks them out. */
async function commitProject(): Promise<void> {
  for (const repository of [directory, configuration]) {
    const git = (...args: string[]) =>
      execa("git", ["-c", "user.name=a", "-c", "user.email=a@example.com", ...args], { cwd: repository });
    await git("init", "--quiet", "--initial-branch=main");
    await git("add", ".");
    await git("commit", "--quiet", "--message", "x");
  }
  symlinkSync(modules, join(directory, "node_modules"));
}

/** A runner's machine: the tests' engine and cloud, git, and an npm that installs what is installed here; it has the types checked elsewhere. */
function machine(folder: string, programs: Record<string, string> = {}) {
  const npm = `case "$*" in ci) ln -s '${modules}' node_modules ;; "run types") ;; *) exit 1 ;; esac`;
  mkdirSync(folder, { recursive: true });
  const { path, calls } = standIns(folder, { npm, ...programs });
  const [bin = ""] = path.split(":");
  const env = { ...program.environment, PATH: `${bin}:${program.environment["PATH"] ?? ""}`, HOME: folder };
  return { env, calls };
}

/** The project's workflow on GitHub for an event, with its actions: Pulumi's own calls the engine by the Automation API, as here. */
async function github(event: "push" | "pull_request") {
  const workspace = mkdtempSync(join(scratch, "github-"));
  const { env } = machine(workspace);
  const repository = "acme/my-fleet";
  const contexts: Contexts = {
    github: {
      ...{ event_name: event, token: "job", repository },
      event: { pull_request: { head: { repo: { full_name: repository } } } },
    },
    vars: {
      CONFIG_REPOSITORY: "acme/my-fleet-config",
      PREVIEW_SERVICE_ACCOUNT: "preview@acme.iam.example.com",
      PULUMI_BACKEND_URL: program.environment["PULUMI_BACKEND_URL"] ?? "",
    },
    secrets: {},
  };
  const nothing = () => Promise.resolve();
  return runJob(readWorkflow(join(directory, ".github/workflows/fleet.yml")), "fleet", contexts, {
    workspace,
    env,
    actions: {
      "actions/checkout": ({ repository: other, path }) => {
        const from = other === undefined ? directory : configuration;
        return execa("git", ["clone", "--quiet", from, join(workspace, String(path))]);
      },
      "actions/setup-node": nothing,
      "google-github-actions/auth": nothing,
      "pulumi/actions": async ({ command, "stack-name": stackName, "work-dir": folder }, envVars) => {
        const options = { stackName: String(stackName), workDir: join(workspace, String(folder)) };
        const stack = await LocalWorkspace.selectStack(options, { envVars: envVars as Record<string, string> });
        return command === "up" ? stack.up() : stack.preview();
      },
    },
  });
}

/** A job of the project's pipeline on GitLab; `said` is what it comments. */
async function gitlab(job: "preview" | "up") {
  const folder = mkdtempSync(join(scratch, "gitlab-"));
  const checkout = join(folder, "acme/my-fleet");
  await execa("git", ["clone", "--quiet", directory, checkout]);
  const comment = join(folder, "comment");
  const { env } = machine(folder, { curl: `cat >'${comment}'` });
  const pipeline = readPipeline(join(directory, ".gitlab-ci.yml"));
  const own = { CI_JOB_ID: "1", TMPDIR: folder };
  const all = jobVariables(pipeline, job, { ...env, ...gitlabVariables(checkout, configuration), ...own });
  const run = await runScript(jobScript(pipeline, job), checkout, all);
  await runScript(jobEnd(pipeline), checkout, all);
  return { ...run, said: existsSync(comment) ? readFileSync(comment, "utf8") : "" };
}

describe("a company's project, run by the CI files that init wrote", () => {
  beforeAll(async () => {
    await commitProject();
    // Where the Automation API looks for the engine.
    vi.stubEnv("PATH", program.environment["PATH"]);
  });
  afterAll(() => vi.unstubAllEnvs());

  it("makes its fleet after a push to GitHub; its gates call the installed tool", async () => {
    const { answers, commands } = await github("push");
    expect(commands.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    expect(answers["pulumi/actions"]).toMatchObject({ summary: { result: "succeeded" } });
    const gate = program.resources()["devs-canary-gate"];
    expect(gate?.[1]["create"]).toBe("exec ./node_modules/nixos-fleet/scripts/fleet await");
  });

  it("is what the tool works on in its folder, with the project of the stack's settings", async () => {
    const env = { ...program.environment, GOOGLE_CLOUD_PROJECT: "" };
    const args = ["status", "--stack", "acme", "--json"];
    const tool = await execa(join(installed, manifest.bin.fleet), args, { cwd: directory, env, reject: false });
    expect(tool.exitCode, tool.stderr).toBe(0);
    expect(JSON.parse(tool.stdout)).toMatchObject({
      fleet: "devs",
      stack: "acme",
      vms: [{ name: "dev-alice" }, { name: "dev-bob" }, { name: "dev-canary" }],
    });
  });

  it("previews a changed lock on a pull request, and rolls it out on GitLab, canary first", async () => {
    const revision = await program.commit('{ "changed": true }');
    const { answers } = await github("pull_request");
    const { stdout, changeSummary } = answers["pulumi/actions"] as PreviewResult;
    expect(changeSummary).toEqual({ update: 4, same: expect.any(Number) as number });
    for (const name of ["devs-canary-approval", "devs-canary-gate", "devs-rest-approval", "devs-rest-gate"])
      expect(stdout).toMatch(new RegExp(`~ .* ${name} .*update`));
    const rollout = await gitlab("up");
    expect(rollout.exitCode, rollout.text).toBe(0);
    const waves = await program.pulumi("stack", "output", "waves", "--json", "--stack", "acme");
    const { canary, rest } = JSON.parse(waves.text) as Record<string, { revision: string }>;
    expect([canary?.revision, rest?.revision]).toEqual([revision, revision]);
  });

  it("takes the next version with no VM replaced, and nothing to do afterwards, as the comment on a merge request says", async () => {
    const before = program.resources();
    writeFileSync(join(installed, "package.json"), JSON.stringify({ ...manifest, version: "0.2.0" }));
    appendFileSync(join(installed, "infra/startup.sh"), "# Of the next version.\n");
    const upgrade = await up();
    expect(upgrade.exitCode, upgrade.text).toBe(0);
    expect(upgrade.text).toMatch(/Resources:\n +~ \d+ updated\n +\d+ unchanged\n/);
    for (const name of ["devs-startup-script", "devs-dev-alice-vm", "devs-dev-bob-vm", "devs-dev-canary-vm"])
      expect(upgrade.text).toMatch(new RegExp(`~ .* ${name} updated`));
    expect(Object.keys(program.resources()).sort()).toEqual(Object.keys(before).sort());
    const { exitCode, text, said } = await gitlab("preview");
    expect(exitCode, text).toBe(0);
    expect(said).toMatch(/^```\nPreviewing update \(acme\):[^]*\nResources:\n +\d+ unchanged\n[^]*```\n$/);
  });
});
