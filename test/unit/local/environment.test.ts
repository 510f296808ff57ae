/** The shell that `./scripts/local env` makes, and that `env --unset` makes clean again; what the README has one try. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { patience } from "../../setup/pace";
import { exports, plugins, unsets, variables } from "../../../local/cli/environment";
import type { State } from "../../../local/cli/paths";

const root = resolve(__dirname, "../../..");
const state = {
  pulumi: "/state/it's/pulumi",
  repositories: "/state/git",
  configRepository: "/state/git/config.git",
  configClone: "/state/config",
} as State;

test("--unset leaves a shell as it was, however often the exports were evaluated", async () => {
  const set = exports(
    variables(state, { endpoint: "http://127.0.0.1:1/compute/v1/", project: "local-project" }, "quick"),
  );
  const path = `export PATH=/engine:${plugins}:"$PATH"`;
  const shell = `before=$(env | sort | grep -v '^_=')
${set}
${path}; ${path}
[ "$PULUMI_BACKEND_URL" = "file:///state/it's/pulumi" ]
eval "$UNSETS"
diff <(echo "$before") <(env | sort | grep -v '^_=')`;
  const twice = `/engine:${plugins}:/engine:${plugins}:/usr/bin:/bin`;
  const env = { PATH: "/usr/bin:/bin", UNSETS: unsets(state, twice) };
  const { stdout } = await execa("bash", ["-euc", shell], { env, extendEnv: false });
  expect(stdout).toBe("");
});

test.each([["bump-lock"], ["push", "README.md"], ["ssh", "dev-alice"], ["stop", "dev-alice"], ["env"]])(
  "local %s says in one line that the cloud is not up",
  { timeout: patience(30) },
  async (...args) => {
    const folder = mkdtempSync(join(tmpdir(), "local-down-"));
    const env = { NIXOS_FLEET_STATE: join(folder, "state") };
    const command = [join(root, "tools/run-program"), "local/cli/main.ts", ...args] as const;
    const { exitCode, stdout, stderr } = await execa({ env, reject: false })`${command}`;
    rmSync(folder, { recursive: true });
    expect([exitCode, stdout, stderr]).toEqual([1, "", "the local cloud is not up: run ./scripts/local up"]);
  },
);

test("the bad revision of the README changes the canary's host", async () => {
  const line = /^ {4}(sed .* (hosts\/\S+))$/m.exec(readFileSync(join(root, "README.md"), "utf8"));
  const folder = mkdtempSync(join(tmpdir(), "bad-revision-"));
  cpSync(join(root, "local/config-repo/hosts"), join(folder, "hosts"), { recursive: true });
  await execa("bash", ["-euc", line?.[1] ?? "false"], { cwd: folder });
  const host = readFileSync(join(folder, line?.[2] ?? ""), "utf8");
  expect(host).toContain(
    '{ system.systemBuilderCommands = "echo no compiler; exit 3"; networking.hostName = "dev-canary"; }',
  );
  rmSync(folder, { recursive: true });
});
