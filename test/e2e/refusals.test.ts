/** What `./scripts/local` refuses, each in one line and with nothing done. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterAll, expect, it } from "vitest";

const scratch = mkdtempSync(join(tmpdir(), "nixos-fleet-refusals-"));
const state = join(scratch, "state");
const local = resolve(__dirname, "../../scripts/local");
afterAll(() => rmSync(scratch, { recursive: true }));

async function refused(file: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  const { exitCode, all } = await execa(file, args, {
    env: { NIXOS_FLEET_STATE: state, ...env },
    all: true,
    reject: false,
  });
  expect(exitCode).toBeGreaterThan(0);
  return all;
}

it("needs root", async () => {
  const asNobody = ["--reuid=65534", "--regid=65534", "--clear-groups", local, "up"];
  expect(await refused("setpriv", asNobody)).toMatch(/^the local cloud needs root: [^\n]+$/);
  expect(existsSync(state)).toBe(false);
});

it("needs Linux", async () => {
  writeFileSync(join(scratch, "uname"), "#!/bin/sh\necho Darwin\n");
  chmodSync(join(scratch, "uname"), 0o755);
  const all = await refused(local, ["up"], { PATH: `${scratch}:${process.env["PATH"] ?? ""}` });
  expect(all).toMatch(/^the local cloud needs Linux: [^\n]+$/);
  expect(existsSync(state)).toBe(false);
});

it("runs one up or down at a time on one state directory", async () => {
  mkdirSync(state);
  const other = execa("flock", [state, "sleep", "infinity"], { reject: false, killSignal: "SIGTERM", detached: true });
  await expect.poll(async () => (await execa({ reject: false })`flock --nonblock ${state} true`).exitCode).toBe(1);
  for (const command of ["up", "down"])
    expect(await refused(local, [command])).toBe(
      `another ./scripts/local up or down is at work on ${state}: wait for it to end`,
    );
  process.kill(-(other.pid ?? 0));
  await other;
  expect(existsSync(state)).toBe(true);
});

it.each([
  [["upp"], /^local upp: unknown command; expected one of: up, down, .*$/],
  [["reboot"], /^local reboot: takes VM, not ""$/],
  [["reboot", "dev-alice"], /^the local cloud is not up: run \.\/scripts\/local up$/],
  [["push"], /^local push: takes at least one FILE$/],
])("says what is right instead of %j", async (args, line) => {
  expect(await refused(local, args)).toMatch(line);
});
