/** The pipelines for GitLab that `fleet init` writes: their commands run as its runner runs them. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runFleet } from "../run-fleet";
import { gitlabVariables, jobEnd, jobScript, jobVariables, readPipeline, runScript, standIns } from "./ci";

const scratch = mkdtempSync(join(tmpdir(), "fleet-ci-"));
const project = join(scratch, "my-fleet");
const config = join(scratch, "machines");
const gitlab = (folder: string) => readPipeline(join(folder, ".gitlab-ci.yml"));

beforeAll(async () => {
  const where = ["--config-directory", config, "--flake", "github:acme/nixos-fleet"];
  expect((await runFleet(["init", project, "--stack", "acme", ...where], {})).code).toBe(0);
});
afterAll(() => rmSync(scratch, { recursive: true }));

describe("GitLab's pipelines", () => {
  const origin = join(scratch, "origin.git");

  const newRunner = () => mkdtempSync(join(scratch, "builds-"));
  let jobs = 0;

  /** A job of the project's pipeline on a runner with stand-ins; the config repository is a real one. */
  async function job(name: string, pulumi: string, folder = newRunner()) {
    const directory = join(folder, "acme/my-fleet");
    const temporary = join(folder, "tmp");
    for (const needed of [directory, temporary]) mkdirSync(needed, { recursive: true });
    writeFileSync(join(directory, "Pulumi.yaml"), "name: my-fleet\n");
    const comment = join(folder, "comment");
    const runner = standIns(folder, { npm: "", pulumi, curl: `cat >'${comment}'` });
    const own = { CI_JOB_ID: String(++jobs), TMPDIR: temporary };
    const given = { ...gitlabVariables(directory, origin), ...own, PATH: runner.path, HOME: folder };
    const env = jobVariables(gitlab(project), name, given);
    const run = await runScript(jobScript(gitlab(project), name), directory, env);
    const end = await runScript(jobEnd(gitlab(project)), directory, env);
    expect(end.exitCode, end.text).toBe(0);
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
    const reads = 'cat Pulumi.yaml ../machines/vms.json ../token; echo; cat "$GOOGLE_APPLICATION_CREDENTIALS"';
    const { exitCode, text, calls, folder } = await job("up", reads);
    expect(exitCode, text).toBe(0);
    expect(calls).toEqual(["npm ci", "npm run types", "pulumi up --yes --non-interactive --stack acme"]);
    for (const part of ["name: my-fleet", "dev-canary", "jwt\n"]) expect(text).toContain(part);
    expect(JSON.parse(text.slice(text.lastIndexOf("\n")))).toMatchObject({
      type: "external_account",
      audience: "//iam.googleapis.com/projects/1/providers/gitlab",
      credential_source: { file: expect.stringMatching(`^${folder}/tmp/.*/token$`) as string },
      service_account_impersonation_url: expect.stringContaining(
        "/serviceAccounts/ci@acme.iam.example.com:generate",
      ) as string,
    });
  });

  it("leave nothing on the runner but the project, whose next job begins the same way", async () => {
    const folder = newRunner();
    const look = "stat -c %a .. ../token ../login.json";
    for (const fails of ["", "; exit 1"]) {
      const { exitCode, text } = await job("up", `${look}${fails}`, folder);
      expect([exitCode, text.split("\n").slice(-3)]).toEqual([fails === "" ? 0 : 1, ["700", "600", "600"]]);
      expect(readdirSync(folder).sort()).toEqual(["acme", "bin", "calls", "tmp"]);
      expect([readdirSync(join(folder, "acme")), readdirSync(join(folder, "tmp"))]).toEqual([["my-fleet"], []]);
      expect(readdirSync(join(folder, "acme/my-fleet"))).toEqual(["Pulumi.yaml"]);
    }
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

  /** The check of the config repository, in which nix shows where git reads a private input from. */
  async function check(variables: Record<string, string>) {
    const folder = mkdtempSync(join(scratch, "flake-check-"));
    const runner = standIns(folder, { nix: "git ls-remote --get-url ssh://git@gitlab.example.com/acme/lib" });
    const settings = join(folder, "nix.conf");
    // The job's machine is a container of its own.
    const script = jobScript(gitlab(config), "check").replaceAll("/etc/nix/nix.conf", settings);
    const env = { ...gitlabVariables(folder, origin), PATH: runner.path, HOME: folder, ...variables };
    const { exitCode, text } = await runScript(script, config, env);
    expect(exitCode, text).toBe(0);
    return { text, calls: runner.calls(), settings: readFileSync(settings, "utf8") };
  }

  it("read the flake's private inputs with their token, and git URLs with the job's own otherwise", async () => {
    expect((await check({})).text).toBe("https://gitlab-ci-token:job@gitlab.example.com/acme/lib");
    const { text, settings } = await check({ INPUTS_TOKEN: "secret" });
    expect(text).toBe("https://oauth2:secret@gitlab.example.com/acme/lib");
    expect(settings).toContain("access-tokens = gitlab.example.com=PAT:secret\n");
  });

  it("check every machine and home with flakes switched on", async () => {
    const { calls, settings } = await check({});
    expect(calls).toEqual(["nix flake check --no-update-lock-file --print-build-logs"]);
    expect(settings).toBe("experimental-features = nix-command flakes\n");
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
