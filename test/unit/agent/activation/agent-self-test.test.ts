/** A home's new agent, which has to work before the home is switched to. A system's takes systemd: test/agents/self-test.test.ts. */
import { chmodSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { homeAgentError } from "../../../../agent/activation/agent-self-test";
import { Scratch } from "../scratch";

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
});
afterEach(() => scratch.remove());

function proof(script: string): Promise<string | undefined> {
  const program = scratch.in("nixos-hm-auto-update");
  writeFileSync(program, `#!/bin/sh\n${script}\n`);
  chmodSync(program, 0o755);
  return homeAgentError("/nix/store/0-home", `[Service]\nExecStart=${program} run\n`);
}

it("that passes its self-test works", async () => {
  expect(await proof('[ "$*" = self-test ]')).toBeUndefined();
});

it("that does not know a self-test passes", async () => {
  expect(await proof("echo usage: >&2; exit 2")).toBeUndefined();
});

it("that fails it does not, and says why", async () => {
  expect(await proof("echo no such module >&2; exit 1")).toBe("0-home: its agent fails its self-test\nno such module");
  expect(await proof("kill -SEGV $$")).toBe("0-home: its agent fails its self-test");
});

it("that is not there at all does not", async () => {
  const unit = "[Service]\nExecStart=/nowhere/nixos-hm-auto-update run\n";
  expect(await homeAgentError("/nix/store/0-home", unit)).toContain("ENOENT");
});
