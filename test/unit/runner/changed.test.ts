import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { affectedBy, started } from "../../runner/changed";
import { project } from "../../runner/project";

const tests = [
  "test/unit/infra/iam.test.ts",
  "test/unit/agent/host/lock.test.ts",
  "test/program/inputs.test.ts",
  "test/program/policy.test.ts",
  "test/nix/modules.test.ts",
  "test/agents/homes.test.ts",
  "test/e2e/main-job.test.ts",
];

describe("a change", () => {
  it.each([
    ["infra/startup.ts", ["infra/startup.ts", "test/program/inputs.test.ts", "test/program/policy.test.ts"]],
    ["policy/rules.ts", ["policy/rules.ts", "test/program/policy.test.ts"]],
    ["agent/host/lock.ts", ["agent/host/lock.ts", "test/agents/homes.test.ts"]],
    ["nix/package.nix", ["test/nix/modules.test.ts"]],
    ["test/e2e/main-job.test.ts", ["test/e2e/main-job.test.ts"]],
    ["test/program/setup/program.ts", ["test/program/inputs.test.ts", "test/program/policy.test.ts"]],
    ["README.md", []],
  ])("of %s", (changed, files) => {
    expect(affectedBy([changed], tests).files.sort()).toEqual([...files].sort());
  });

  it("of a source runs the suites whose tests import it", () => {
    expect(affectedBy(["rules/rollout/waves.ts"], tests).suites).toEqual(["unit", "nix"]);
  });
});

it("names tests that there are", () => {
  const named = started.flatMap(({ tests }) => tests);
  expect(named.filter((path) => !existsSync(join(project, path)))).toEqual([]);
});
