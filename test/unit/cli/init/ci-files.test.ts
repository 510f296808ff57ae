/** The CI files for GitHub that `fleet init` writes: their commands run, and the inputs of the actions that only GitHub has. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runFleet } from "../run-fleet";
import { readWorkflow, runJob, runScript, standIns, type Contexts, type Step } from "./ci";

const scratch = mkdtempSync(join(tmpdir(), "fleet-ci-"));
const project = join(scratch, "my-fleet");
const config = join(scratch, "machines");
const github = (folder: string, name: string) => readWorkflow(join(folder, ".github/workflows", name));

beforeAll(async () => {
  const where = ["--config-directory", config, "--flake", "github:acme/nixos-fleet"];
  expect((await runFleet(["init", project, "--stack", "acme", ...where], {})).code).toBe(0);
});
afterAll(() => rmSync(scratch, { recursive: true }));

const workflows = () => [github(project, "fleet.yml"), github(config, "fleet.yml"), github(config, "update.yml")];
const steps = () => workflows().flatMap(({ jobs }) => Object.values(jobs).flatMap((job) => job.steps));
const uses = (all: readonly Step[], action: string) => all.filter((step) => step.uses?.startsWith(`${action}@`));

describe("GitHub's workflows", () => {
  it("have steps that are either an action of a fixed version or commands", () => {
    for (const step of steps()) {
      expect(Object.keys(step).filter((key) => ["uses", "run"].includes(key))).toHaveLength(1);
      if (step.uses !== undefined) expect(step.uses).toMatch(/^[\w-]+\/[\w-]+@v\d+$/);
    }
  });

  it("give no right that a job does not name, and an identity to those that log in to Google alone", () => {
    for (const { permissions, jobs } of workflows()) {
      expect(permissions).toEqual({ contents: "read" });
      for (const { steps: own, permissions: more = {} } of Object.values(jobs))
        expect(more["id-token"] === "write").toBe(uses(own, "google-github-actions/auth").length > 0);
    }
  });

  it("take secrets that can change the fleet from an environment, which only main may use", () => {
    // Everyone who may push a branch can print these.
    const harmless = ["CONFIG_TOKEN", "INPUTS_TOKEN", "NOTIFY_WEBHOOK"];
    const secretsOf = (job: object) =>
      [...JSON.stringify(job).matchAll(/secrets\.(\w+)/g)].map(([, name = ""]) => name);
    const guarded = workflows().flatMap(({ jobs }) =>
      Object.values(jobs).flatMap((job) => {
        const names = new Set(secretsOf(job).filter((name) => !harmless.includes(name)));
        return [...names].map((name) => [job.environment, name]);
      }),
    );
    expect(guarded).toEqual([
      ["cache", "CACHE_KEY"],
      ["update", "UPDATE_TOKEN"],
    ]);
    const readme = readFileSync(join(config, "README.md"), "utf8");
    for (const [environment, name] of guarded)
      expect(readme).toMatch(new RegExp(`gh secret set ${name} .*--env ${environment}\\b`));
  });

  it("never put what a stranger writes into a command", () => {
    for (const { run = "" } of steps()) expect(run).not.toContain("${{");
  });

  it("give the actions what they ask for", () => {
    for (const { with: inputs } of uses(steps(), "google-github-actions/auth")) {
      expect(Object.keys(inputs ?? {})).toEqual(["workload_identity_provider", "service_account"]);
    }
    const pulumi = uses(steps(), "pulumi/actions").map(({ with: inputs, if: when }) => ({ ...inputs, when }));
    const common = { "stack-name": "${{ env.STACK }}", "work-dir": "project" };
    expect(pulumi).toEqual([
      {
        ...common,
        command: "preview",
        "comment-on-pr": true,
        when: "github.event_name == 'pull_request'",
      },
      { ...common, command: "up", when: "github.event_name != 'pull_request'" },
    ]);
    expect(uses(steps(), "peter-evans/create-pull-request")[0]?.with).toMatchObject({ "sign-commits": true });
  });

  it("log in as the account of previews on a pull request, and never for a fork or without such an account", async () => {
    const login = async (event: string, head: string, preview = "preview@acme") => {
      const contexts: Contexts = {
        github: {
          ...{ event_name: event, token: "job", repository: "acme/my-fleet" },
          event: { pull_request: { head: { repo: { full_name: head } } } },
        },
        vars: { SERVICE_ACCOUNT: "ci@acme", PREVIEW_SERVICE_ACCOUNT: preview },
        secrets: {},
      };
      const nothing = () => Promise.resolve();
      const workspace = mkdtempSync(join(scratch, "login-"));
      mkdirSync(join(workspace, "project"));
      const { answers } = await runJob(github(project, "fleet.yml"), "fleet", contexts, {
        workspace,
        env: { PATH: standIns(workspace, { npm: "" }).path },
        actions: {
          ...{ "actions/checkout": nothing, "actions/setup-node": nothing },
          "google-github-actions/auth": ({ service_account: account }) => Promise.resolve(account),
          "pulumi/actions": ({ command }) => Promise.resolve(command),
        },
      });
      return [answers["google-github-actions/auth"], answers["pulumi/actions"]];
    };
    expect(await login("push", "")).toEqual(["ci@acme", "up"]);
    expect(await login("pull_request", "acme/my-fleet")).toEqual(["preview@acme", "preview"]);
    expect(await login("pull_request", "mallory/my-fleet")).toEqual([undefined, undefined]);
    expect(await login("pull_request", "acme/my-fleet", "")).toEqual([undefined, undefined]);
  });

  it("run their commands in the checked out project", async () => {
    const runner = standIns(join(scratch, "github"), {
      npm: 'test -f package.json || exit 1; test "$1" != ci || touch ci',
    });
    const all = Object.values(github(project, "fleet.yml").jobs).flatMap((job) => job.steps);
    const checkout = uses(all, "actions/checkout").map(({ with: inputs }) => inputs?.["path"]);
    expect(checkout).toEqual(["project", "${{ env.CONFIG_DIRECTORY }}"]);
    for (const { run, "working-directory": folder } of all.filter((step) => step.run !== undefined)) {
      expect(folder).toBe("project");
      expect(await runScript(run ?? "", project, { PATH: runner.path })).toEqual({ exitCode: 0, text: "" });
    }
    expect(runner.calls()).toEqual(["npm ci", "npm run types"]);
  });

  it("let git read a private config repository, by whichever URL, where there is a token", async () => {
    const [{ run = "" } = {}] = Object.values(github(project, "fleet.yml").jobs)
      .flatMap((job) => job.steps)
      .filter(({ env }) => env?.["CONFIG_TOKEN"] === "${{ secrets.CONFIG_TOKEN }}");
    for (const url of ["https://github.com/acme/m.git", "git@github.com:acme/m.git", "ssh://git@github.com/acme/m.git"])
      for (const [token, read] of [
        ["", url],
        ["secret", "https://x-access-token:secret@github.com/acme/m.git"],
      ]) {
        const env = { PATH: process.env["PATH"], HOME: mkdtempSync(join(scratch, "home-")), CONFIG_TOKEN: token };
        expect(await runScript(run, project, env)).toEqual({ exitCode: 0, text: "" });
        expect(await runScript(`git ls-remote --get-url '${url}'`, project, env)).toEqual({ exitCode: 0, text: read });
      }
  });

  it("build the machines with the nixos-fleet that flake.lock names, the cache's key in a file of its own", async () => {
    const runner = standIns(join(scratch, "cache"), { nix: 'stat --format %a "$NIXOS_FLEET_CACHE_KEY"' });
    const temp = join(scratch, "temp");
    mkdirSync(temp);
    const job = github(config, "fleet.yml").jobs["cache"]?.steps ?? [];
    const { run = "" } = job.find((step) => step.run !== undefined) ?? {};
    const key = join(temp, "cache.key");
    const env = { BUCKET: "b", KEY: "secret", NIXOS_FLEET_CACHE_KEY: key, GITHUB_WORKSPACE: config };
    expect(await runScript(run, config, { PATH: runner.path, ...env })).toEqual({ exitCode: 0, text: "600" });
    expect(runner.calls()).toEqual([`nix run --inputs-from . nixos-fleet#fleet -- build --flake ${config} --bucket b`]);
    expect(readFileSync(key, "utf8")).toBe("secret\n");
  });

  it("read the flake's private inputs where there is a token for them, and with the job's own token otherwise", async () => {
    for (const file of ["fleet.yml", "update.yml"])
      for (const [token, given, read] of [
        [undefined, "job", "ssh://git@github.com/acme/lib"],
        ["secret", "secret", "https://x-access-token:secret@github.com/acme/lib"],
      ] as const) {
        const workflow = github(config, file);
        const job = file === "fleet.yml" ? "check" : "lock";
        const contexts: Contexts = {
          github: { event_name: "push", token: "job", repository: "acme/machines" },
          ...{ vars: {}, secrets: token === undefined ? {} : { INPUTS_TOKEN: token }, hashFiles: () => "" },
        };
        const asked: unknown[] = [];
        const nothing = () => Promise.resolve();
        const workspace = mkdtempSync(join(scratch, "inputs-"));
        const env = { HOME: workspace, PATH: standIns(workspace, { nix: `git ls-remote --get-url "$INPUT"` }).path };
        const { commands } = await runJob(workflow, job, contexts, {
          workspace,
          env: { ...env, INPUT: "ssh://git@github.com/acme/lib" },
          actions: {
            ...{ "actions/checkout": nothing, "peter-evans/create-pull-request": nothing },
            "cachix/install-nix-action": (inputs) => Promise.resolve(asked.push(inputs["github_access_token"])),
          },
        });
        expect([asked, commands]).toEqual([[given], [{ exitCode: 0, text: read }]]);
      }
  });

  it("check every machine and home on a pull request, and update the lock every week before the pull request for it", async () => {
    const runner = standIns(join(scratch, "flake"), { nix: "" });
    const contexts = (event: string) => ({
      github: {
        event_name: event,
        token: "job",
        repository: "acme/machines",
        event: { pull_request: { base: {}, head: {} } },
      },
      ...{ vars: {}, secrets: {}, hashFiles: () => "" },
    });
    const nothing = () => Promise.resolve();
    const actions = { "actions/checkout": nothing, "cachix/install-nix-action": nothing };
    const machine = { workspace: config, env: { PATH: runner.path } };
    await runJob(github(config, "fleet.yml"), "check", contexts("pull_request"), { ...machine, actions });
    let asked: unknown;
    const ask = (inputs: unknown) => Promise.resolve((asked = [inputs, runner.calls()]));
    await runJob(github(config, "update.yml"), "lock", contexts("schedule"), {
      ...machine,
      actions: { ...actions, "peter-evans/create-pull-request": ask },
    });
    const calls = ["nix flake check --no-update-lock-file --print-build-logs", "nix flake update"];
    expect(asked).toEqual([expect.objectContaining({ token: "job", branch: "update-flake-lock" }), calls]);
  });

  it("refuse a pull request with a commit that no one in allowed_signers signed", async () => {
    const repository = join(scratch, "signed");
    const key = join(scratch, "key");
    await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    await execa("git", ["init", "--quiet", repository]);
    const git = async (...args: string[]) => {
      const who = ["-c", "user.name=e", "-c", "user.email=e@example.com", "-c", "gpg.format=ssh"];
      return (await execa("git", [...who, "-c", `user.signingKey=${key}`, ...args], { cwd: repository })).stdout;
    };
    writeFileSync(join(repository, "allowed_signers"), `e@example.com ${readFileSync(`${key}.pub`, "utf8")}`);
    await git("add", ".");
    const commit = async (...more: string[]) => {
      await git("commit", "--quiet", "--allow-empty", "--message", "x", ...more);
      return git("rev-parse", "HEAD");
    };
    const [base, signed, unsigned] = [await commit(), await commit("-S"), await commit()];
    const { run = "" } = github(config, "fleet.yml").jobs["check"]?.steps.find(({ name }) => name !== undefined) ?? {};
    const env = { PATH: process.env["PATH"], RUNNER_TEMP: join(scratch), HOME: scratch, BASE: base };
    expect(await runScript(run, repository, { ...env, HEAD: signed })).toMatchObject({ exitCode: 0 });
    expect((await runScript(run, repository, { ...env, HEAD: unsigned })).exitCode).not.toBe(0);
  });
});
