/** The tool's client of Cloud Storage against the local cloud's. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Storage } from "../../../../cli/google/storage";
import { serve, type Served } from "../../local/client";
import { memoryCloud } from "../../local/local-machines";

const KIB = 1024;

let scratch: string;
let served: Served;
let storage: Storage;
let endpoint: string;
beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), "fleet-storage-"));
  served = await serve(memoryCloud(undefined, undefined, join(scratch, "objects")));
  endpoint = new URL(served.url).origin;
  storage = new Storage({ project: "local-project", endpoint, identity: { accessToken: "t" }, part: 256 * KIB });
});
afterEach(() => {
  served.close();
  rmSync(scratch, { recursive: true });
});

const read = async (name: string) =>
  Buffer.from(
    await (await fetch(`${endpoint}/acme/${name}`, { headers: { authorization: "Bearer t" } })).arrayBuffer(),
  );

describe("a bucket", () => {
  it("is made private where there is none, and only where it is said where", async () => {
    await expect(storage.requirePrivateBucket("acme", undefined)).rejects.toThrow(
      "there is no bucket gs://acme; give --location",
    );
    await storage.requirePrivateBucket("acme", "europe-west1");
    await storage.requirePrivateBucket("acme", undefined);
    expect(served.cloud.store.state.buckets?.["acme"]).toMatchObject({
      location: "EUROPE-WEST1",
      iamConfiguration: { publicAccessPrevention: "enforced", uniformBucketLevelAccess: { enabled: true } },
    });
  });

  it("that may be public is refused", async () => {
    served.cloud.store.state.buckets = { acme: { name: "acme", iamConfiguration: {} } };
    await expect(storage.requirePrivateBucket("acme", "europe-west1")).rejects.toThrow(
      "gs://acme may be opened to the public",
    );
  });
});

describe("an object", () => {
  beforeEach(() => storage.requirePrivateBucket("acme", "europe-west1"));

  it.each([0, 1, 256 * KIB, 700 * KIB])("of %i bytes comes over part by part as it was", async (size) => {
    const content = Buffer.alloc(size, "0123456789");
    writeFileSync(join(scratch, "file"), content);
    const progress: number[] = [];
    await storage.upload("acme", "folder/name", join(scratch, "file"), (sent) => progress.push(sent));
    expect((await read("folder/name")).equals(content)).toBe(true);
    expect(await storage.sizeOf("acme", "folder/name")).toBe(size);
    expect(progress).toHaveLength(Math.max(1, Math.ceil(size / (256 * KIB))));
    expect(progress.at(-1)).toBe(size);
  });

  it("comes over as it was where requests fail now and then", async () => {
    const chaos = { method: "PUT", body: JSON.stringify({ percent: 40, seed: 6 }) };
    expect((await fetch(`${endpoint}/local/chaos`, chaos)).status).toBe(200);
    const content = Buffer.alloc(700 * KIB, "0123456789");
    writeFileSync(join(scratch, "file"), content);
    await storage.upload("acme", "name", join(scratch, "file"));
    expect((await readFile(join(scratch, "objects/acme%2Fname"))).equals(content)).toBe(true);
  });

  it("is listed with all others, a page after the other, and missed where it is not there", async () => {
    const names = Array.from({ length: 1003 }, (_, index) => `nar/${index}`);
    for (const name of names)
      served.cloud.store.state.objects = {
        ...served.cloud.store.state.objects,
        [`acme/${name}`]: { kind: "storage#object", bucket: "acme", name, size: "1" } as never,
      };
    await storage.write("acme", "other", "text", "text/plain");
    expect([...(await storage.list("acme"))].sort()).toEqual([...names, "other"].sort());
    expect(await storage.sizeOf("acme", "nowhere")).toBeUndefined();
  });
});
