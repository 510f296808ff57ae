/** gcloud itself against the local cloud. Where gcloud is not installed, the test says so; its requests are replayed all the same. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { patience } from "../../setup/pace";
import { memoryCloud } from "./local-machines";
import { makeInstance, makeNetwork, project, serve, type Served, zone } from "./client";

const isInstalled = (process.env["PATH"] ?? "").split(":").some((directory) => existsSync(join(directory, "gcloud")));
const title = isInstalled ? "gcloud" : "gcloud (not installed here, so not tried)";

describe.skipIf(!isInstalled)(title, { timeout: patience(60) }, () => {
  const home = mkdtempSync(join(tmpdir(), "gcloud-"));
  let served: Served;
  beforeAll(async () => {
    served = await serve(memoryCloud(undefined, undefined, join(home, "objects")));
    await makeNetwork(served);
    await makeInstance(served, "dev-alice", { labels: { "nixos-fleet": "devs" } });
    served.cloud.store.state.guestAttributes["dev-alice"] = { "nixos-fleet/system": "{}" };
    writeFileSync(join(home, "token"), "local");
  });
  afterAll(() => {
    served.close();
    rmSync(home, { recursive: true, force: true });
  });

  /** What a command answers, as JSON. */
  async function gcloud(...args: string[]): Promise<unknown> {
    const env = {
      HOME: home,
      CLOUDSDK_CONFIG: join(home, "config"),
      CLOUDSDK_AUTH_ACCESS_TOKEN_FILE: join(home, "token"),
      CLOUDSDK_CORE_PROJECT: project,
      CLOUDSDK_CORE_DISABLE_PROMPTS: "1",
      CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: "1",
      CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK: "1",
      CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: new URL("/compute/v1/", served.url).href,
      NO_PROXY: "127.0.0.1",
      no_proxy: "127.0.0.1",
    };
    const { stdout } = await execa("gcloud", [...args, "--format=json"], { env });
    return stdout === "" ? undefined : JSON.parse(stdout);
  }
  const at = `--zone=${zone}`;

  it("finds a fleet's VMs by their label", async () => {
    const vms = await gcloud("compute", "instances", "list", "--filter=labels.nixos-fleet=devs");
    expect(vms).toMatchObject([{ name: "dev-alice", status: "RUNNING" }]);
  });

  it("reads what a VM reports", async () => {
    const query = "--query-path=nixos-fleet/";
    const read = await gcloud("compute", "instances", "get-guest-attributes", "dev-alice", at, query);
    expect(JSON.stringify(read)).toContain('"key":"system"');
  });

  it("changes a VM's metadata and waits for it", async () => {
    await gcloud("compute", "instances", "add-metadata", "dev-alice", at, "--metadata=note=changed");
    expect(served.cloud.store.instance("dev-alice")?.metadata.items).toContainEqual({ key: "note", value: "changed" });
  });

  it("makes a disk of another disk's snapshot, with what was on it", async () => {
    const { contents } = served.cloud;
    await gcloud("compute", "disks", "create", "dev-alice-home", at, "--size=20GB", "--type=pd-balanced");
    const directory = contents.directoryOf(`zones/${zone}/disks/dev-alice-home`);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "work"), "a day's work");
    await gcloud(
      "compute",
      "snapshots",
      "create",
      "first",
      "--source-disk=dev-alice-home",
      `--source-disk-zone=${zone}`,
    );
    const list = await gcloud("compute", "snapshots", "list", "--filter=sourceDisk~dev-alice-home");
    expect(list).toMatchObject([{ name: "first", diskSizeGb: "20", status: "READY" }]);
    await gcloud("compute", "disks", "delete", "dev-alice-home", at);
    expect(existsSync(directory)).toBe(false);
    await gcloud("compute", "disks", "create", "dev-alice-home", at, "--source-snapshot=first", "--type=pd-balanced");
    expect(readFileSync(join(directory, "work"), "utf8")).toBe("a day's work");
    expect(served.cloud.store.get(`zones/${zone}/disks/dev-alice-home`)).toMatchObject({ sizeGb: "20" });
  });

  it("stops a VM", async () => {
    await gcloud("compute", "instances", "stop", "dev-alice", at);
    expect(served.cloud.store.instance("dev-alice")?.status).toBe("TERMINATED");
  });
});
