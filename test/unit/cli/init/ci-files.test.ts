/** The CI files that `fleet init` writes: their commands run, and the inputs of the actions that only GitHub has. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runFleet } from "../run-fleet";
import {
  gitlabVariables,
  jobScript,
  jobVariables,
  readPipeline,
  readWorkflow,
  runJob,
  runScript,
  standIns,
  type Contexts,
  type Step,
} from "./ci";

const scratch = mkdtempSync(join(tmpdir(), "fleet-ci-"));
const project = join(scratch, "my-fleet");
const config = join(scratch, "machines");
const github = (folder: string, name: string) => readWorkflow(join(folder, ".github/workflows", name));
const gitlab = (folder: string) => readPipeline(join(folder, ".gitlab-ci.yml"));

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
    const { lock, build } = Object.fromEntries(
      (github(config, "fleet.yml").jobs["cache"]?.steps ?? [])
        .filter(({ run }) => run !== undefined)
        .map(({ id = "build", run = "" }) => [id, run]),
    );
    const repository = join(scratch, "locked");
    mkdirSync(repository);
    writeFileSync(join(repository, "flake.lock"), '{"nodes":{"nixos-fleet":{"locked":{"rev":"abc"}}}}');
    const output = join(temp, "output");
    await runScript(lock ?? "", repository, { PATH: runner.path, GITHUB_OUTPUT: output });
    expect(readFileSync(output, "utf8")).toBe("revision=abc\n");
    const key = join(temp, "cache.key");
    const env = { BUCKET: "b", KEY: "secret", NIXOS_FLEET_CACHE_KEY: key, GITHUB_WORKSPACE: repository };
    expect(await runScript(build ?? "", repository, { PATH: runner.path, ...env })).toEqual({
      exitCode: 0,
      text: "600",
    });
    expect(runner.calls()).toEqual([`nix run .#fleet -- build --flake ${repository} --bucket b`]);
    expect(readFileSync(key, "utf8")).toBe("secret\n");
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

describe("GitLab's pipelines", () => {
  const origin = join(scratch, "origin.git");

  /** A job of the project's pipeline on a runner with stand-ins; the config repository is a real one. */
  async function job(name: string, pulumi: string) {
    const folder = mkdtempSync(join(scratch, "builds-"));
    const directory = join(folder, "acme/my-fleet");
    mkdirSync(directory, { recursive: true });
    const comment = join(folder, "comment");
    const runner = standIns(folder, { npm: "", pulumi, curl: `cat >'${comment}'` });
    const given = { ...gitlabVariables(directory, origin), PATH: runner.path, HOME: folder };
    const env = jobVariables(gitlab(project), name, given);
    const run = await runScript(jobScript(gitlab(project), name), directory, env);
    return { ...run, calls: runner.calls(), folder, directory, comment };
  }

  beforeAll(async () => {
    await execa("git", ["init", "--quiet", "--initial-branch=main", config]);
    await execa("git", ["add", "."], { cwd: config });
    const who = ["-c", "user.name=e", "-c", "user.email=e@example.com"];
    await execa("git", [...who, "commit", "--quiet", "--message", "x"], { cwd: config });
    await execa("git", ["clone", "--quiet", "--bare", config, origin]);
  });

  it("bring the config repository up, log in without a key, and run pulumi up", async () => {
    const { exitCode, text, calls, folder, directory } = await job("up", 'cat "$GOOGLE_APPLICATION_CREDENTIALS"');
    expect(exitCode, text).toBe(0);
    expect(calls).toEqual(["npm ci", "npm run types", "pulumi up --yes --non-interactive --stack acme"]);
    expect(readFileSync(join(folder, "acme/machines/vms.json"), "utf8")).toContain("dev-canary");
    expect(JSON.parse(text.slice(text.indexOf("{")))).toMatchObject({
      type: "external_account",
      audience: "//iam.googleapis.com/projects/1/providers/gitlab",
      credential_source: { file: `${directory}.token` },
      service_account_impersonation_url: expect.stringContaining(
        "/serviceAccounts/ci@acme.iam.example.com:generate",
      ) as string,
    });
    expect(readFileSync(`${directory}.token`, "utf8")).toBe("jwt");
  });

  it("log in as the account of previews for a merge request of the project itself, and only then", async () => {
    const { text } = await job("preview", 'cat "$GOOGLE_APPLICATION_CREDENTIALS"');
    expect(text).toContain("/serviceAccounts/preview@acme.iam.example.com:generate");
    const { rules } = gitlab(project)["preview"] as { rules: { if: string }[] };
    expect(rules.map((rule) => rule.if.split(" && ").sort())).toEqual([
      [
        "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID",
        '$CI_PIPELINE_SOURCE == "merge_request_event"',
        "$PREVIEW_SERVICE_ACCOUNT",
      ],
    ]);
  });

  it("let pulumi read the config repository with the job's token, by whichever URL", async () => {
    for (const url of ["https://gitlab.example.com/", "git@gitlab.example.com:", "ssh://git@gitlab.example.com/"]) {
      const { text } = await job("up", `git ls-remote --get-url ${url}acme/other.git`);
      expect(text.split("\n").at(-1)).toBe("https://gitlab-ci-token:job@gitlab.example.com/acme/other.git");
    }
  });

  it("comment the preview on the merge request, also where it fails, which fails the job", async () => {
    const good = await job("preview", "echo '~ update'");
    expect([good.exitCode, readFileSync(good.comment, "utf8")]).toEqual([0, "```\n~ update\n\n```\n"]);
    expect(good.calls.at(-1)).toMatch(/--header PRIVATE-TOKEN: note .*\/projects\/7\/merge_requests\/5\/notes$/);
    const bad = await job("preview", "echo 'error: no' >&2; exit 255");
    expect([bad.exitCode, readFileSync(bad.comment, "utf8")]).toEqual([1, "```\nerror: no\n\n```\n"]);
  });

  it("check every machine and home with flakes switched on", async () => {
    const runner = standIns(join(scratch, "flake-check"), { nix: "" });
    const settings = join(scratch, "nix.conf");
    // The job's machine is a container of its own.
    const script = jobScript(gitlab(config), "check").replaceAll("/etc/nix/nix.conf", settings);
    expect(await runScript(script, config, { PATH: runner.path })).toMatchObject({ exitCode: 0 });
    expect(runner.calls()).toEqual(["nix flake check --no-update-lock-file --print-build-logs"]);
    expect(readFileSync(settings, "utf8")).toBe("experimental-features = nix-command flakes\n");
  });

  it("push the weekly update to a branch, and ask for a merge request", async () => {
    const { script } = gitlab(config)["update"] as { script: string[] };
    const runner = standIns(join(scratch, "weekly"), {
      nix: "echo '{}' >flake.lock; git commit --quiet --all --message 'Update flake.lock'",
    });
    const remote = "https://oauth2:push@gitlab.example.com/acme/machines.git";
    await execa("git", ["config", "receive.advertisePushOptions", "true"], { cwd: origin });
    const { exitCode, text } = await runScript(script.join("\n"), config, {
      ...{ PATH: runner.path, HOME: scratch, CI_SERVER_PROTOCOL: "https", CI_SERVER_HOST: "gitlab.example.com" },
      ...{ CI_PROJECT_PATH: "acme/machines", UPDATE_TOKEN: "push" },
      ...{ GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: `url.${origin}.insteadOf`, GIT_CONFIG_VALUE_0: remote },
    });
    expect(exitCode, text).toBe(0);
    const { stdout } = await execa("git", ["log", "-1", "--format=%s, %an", "update-flake-lock"], { cwd: origin });
    expect(stdout).toBe("Update flake.lock, Fleet update");
  });
});
