/** What the programs get that the tool starts. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { runProgram } from "../../../cli/run-program";

const scratch = mkdtempSync(join(tmpdir(), "nixos-fleet-run-program-test-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

it.each([
  ["pulumi", true],
  ["git", false],
  ["nix", false],
])("%s gets what opens the stack: %s", async (program, opens) => {
  writeFileSync(join(scratch, program), "#!/bin/sh\nenv\n", { mode: 0o755 });
  const env = {
    PATH: `${scratch}:${process.env["PATH"] ?? ""}`,
    PULUMI_CONFIG_PASSPHRASE: "hunter2",
    PULUMI_ACCESS_TOKEN: "hunter3",
    PULUMI_BACKEND_URL: "file://here",
  };
  const text = await runProgram(program, [], { signal: new AbortController().signal, env });
  expect([text.includes("hunter2"), text.includes("hunter3")]).toEqual([opens, opens]);
  expect(text).toContain("PULUMI_BACKEND_URL=file://here");
});
