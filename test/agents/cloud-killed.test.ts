/** The local cloud after its process was killed. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { cleanUp } from "../../local/machines/cleanup";
import { cloudNames } from "../../local/machines/names";
import { buildImage, traces } from "./setup/host";
import { patience } from "../setup/pace";
import { until, untilGone } from "./setup/until";

const scratch = mkdtempSync(path.join(os.tmpdir(), "killed, a:test-"));

/** A process that holds a cloud with one machine, which runs by now. */
async function holder(state: string, ...more: string[]): Promise<ChildProcess> {
  const args = [state, await buildImage(), ...more];
  const process = fork(path.join(__dirname, "setup/hold-cloud.ts"), args, { execArgv: ["--require", "tsx/cjs"] });
  await once(process, "message");
  return process;
}

async function kill(process: ChildProcess): Promise<void> {
  process.kill("SIGKILL");
  await once(process, "exit");
}

afterAll(() => rmSync(scratch, { recursive: true }));

describe("a cloud whose process is killed", { timeout: patience(60) }, () => {
  it("leaves nothing behind once it is cleaned up after, and keeps its disks", async () => {
    const state = path.join(scratch, "held");
    const process = await holder(state);
    const before = traces(state).join("\n");
    expect(before).toContain("systemd-nspawn");
    expect(before).toContain(cloudNames(state).namespace);
    await kill(process);
    await cleanUp(cloudNames(state));
    await untilGone(state);
    expect(existsSync(path.join(state, "machines", "held", "upper"))).toBe(true);
  });

  it("of a test's is taken away with its directory", async () => {
    const state = path.join(scratch, "a test's");
    const process = await holder(state, "--down-after");
    expect(traces(state)).not.toEqual([]);
    await kill(process);
    await until("its directory is gone", () => !existsSync(state));
    await untilGone(state);
  });
});
