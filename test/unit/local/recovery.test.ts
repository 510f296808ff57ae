import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CloudState, Instance } from "../../../local/api/types";
import { loadState, recover, replaceFile } from "../../../local/state";
import { instanceBody, makeInstance, makeNetwork, project, serve, zone, type Served } from "./client";
import { memoryCloud } from "./local-machines";

describe("a daemon that was killed", () => {
  let served: Served;
  beforeEach(async () => {
    served = await serve();
    await makeNetwork(served);
    await makeInstance(served, "vm");
    served.cloud.machines.pace = 10_000;
  });
  afterEach(() => served.close());

  const path = `zones/${zone}/instances/vm`;
  const killed = () => recover(structuredClone(served.cloud.saved() as CloudState), "later");
  const status = (state: CloudState, at = path) => (state.resources[at]?.resource as Instance | undefined)?.status;

  test("boots again what ran, and leaves alone what was stopped", async () => {
    const ran = killed();
    expect(ran).toMatchObject({ boot: [path], remove: [] });
    expect(status(ran.state)).toBe("STAGING");
    served.cloud.machines.powerOff("vm");
    await served.cloud.store.saved();
    const stopped = killed();
    expect(stopped.boot).toEqual([]);
    expect(status(stopped.state)).toBe("TERMINATED");
  });

  test("goes on making an instance that was asked for", async () => {
    await served.api.instances.insert({ project, zone, requestBody: instanceBody("new") });
    expect(killed().boot).toContain(`zones/${zone}/instances/new`);
  });

  test("ends a stop and a delete", async () => {
    await served.api.instances.stop({ project, zone, instance: "vm" });
    expect(status(killed().state)).toBe("TERMINATED");
    await served.api.instances.delete({ project, zone, instance: "vm" });
    expect(killed()).toMatchObject({ boot: [], remove: [path] });
  });

  test("has made the networks that it said it would, and every operation is done", async () => {
    await served.api.networks.insert({ project, requestBody: { name: "late" } });
    const { state } = killed();
    expect(state.resources["global/networks/late"]?.pending).toBeUndefined();
    expect(Object.values(state.operations).every((operation) => operation.status === "DONE")).toBe(true);
  });

  test("takes up its machines where they were", async () => {
    const { state, boot } = killed();
    const again = memoryCloud(state);
    await again.power.resume(boot[0] ?? "");
    expect(again.machines.calls).toEqual(["create vm", "start vm"]);
    expect(again.machines.specs.get("vm")?.address).toBe("10.0.0.2");
    expect(again.store.instance("vm")?.status).toBe("RUNNING");
  });
});

describe("the state's file", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "state-"));
  });
  afterEach(() => rm(directory, { recursive: true }));

  test("missing is an empty cloud, written it is read again, and nothing else stays", async () => {
    const file = path.join(directory, "cloud.json");
    const empty = await loadState(file, "p", "now");
    expect(empty).toMatchObject({ project: { name: "p" }, resources: {} });
    await replaceFile(file, { ...empty, apiPort: 7 });
    expect((await loadState(file, "p", "now")).apiPort).toBe(7);
    expect(await readdir(directory)).toEqual(["cloud.json"]);
  });

  test("of another version is refused", async () => {
    const file = path.join(directory, "cloud.json");
    await replaceFile(file, { version: 2 });
    await expect(loadState(file, "p", "now")).rejects.toThrow("no state of version 1");
  });
});
