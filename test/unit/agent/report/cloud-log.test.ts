/** What a VM takes out of a private bucket, and what it tells Cloud Logging. */
import { existsSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fetchClosure, getFromBucket, isBucket } from "../../../../agent/nix/bucket";
import { entryOf, tellCloud, type Event } from "../../../../agent/report/cloud-log";
import { MetadataServer } from "../../../../agent/metadata-server";
import { Google } from "../google";
import { Scratch } from "../scratch";

let scratch: Scratch;
let google: Google;
beforeEach(async () => {
  scratch = new Scratch();
  google = await Google.start();
});
afterEach(() => {
  google.stop();
  scratch.remove();
});

describe("a bucket", () => {
  const hash = (letter: string) => letter.repeat(32);
  const path = (letter: string) => `/nix/store/${hash(letter)}-${letter}`;
  /** A path in the cache, with what it refers to. */
  const cached = (letter: string, references: string[]) => {
    const text = `StorePath: ${path(letter)}\nURL: nar/${letter}.nar.xz\nReferences: ${references.map((to) => path(to).slice(11)).join(" ")}\n`;
    google.objects[`cache/${hash(letter)}.narinfo`] = text;
    google.objects[`cache/nar/${letter}.nar.xz`] = letter;
  };
  const fetch = (letter: string) =>
    fetchClosure(google.metadataServer(), path(letter), `${google.url}/cache`, scratch.in("cache"));

  it("is one by its address, and nothing else is shown the token", () => {
    expect(isBucket(`${google.url}/cache`)).toBe(true);
    expect(isBucket(`${google.url}.example.com/cache`)).toBe(false);
  });

  it("gives a path and all that it needs, each once", async () => {
    cached("a", ["a", "b", "c"]);
    cached("b", ["c"]);
    cached("c", []);
    await fetch("a");
    for (const letter of ["a", "b", "c"])
      expect(readFileSync(scratch.in(`cache/nar/${letter}.nar.xz`), "utf8")).toBe(letter);
    expect(new Set(google.asked).size).toBe(google.asked.length);
  });

  it("need not have everything: other substituters may", async () => {
    cached("a", ["b"]);
    await fetch("a");
    expect(existsSync(scratch.in("cache/nar/a.nar.xz"))).toBe(true);
    expect(existsSync(scratch.in(`cache/${hash("b")}.narinfo`))).toBe(false);
  });

  it.each(["../../etc/passwd", "nar/../../x", "/etc/passwd", "https://evil.example.com/x"])(
    "names no file outside of its cache: %s",
    async (url) => {
      google.objects[`cache/${hash("a")}.narinfo`] = `URL: ${url}\nReferences: \n`;
      await fetch("a");
      expect(google.asked).toEqual([`cache/${hash("a")}.narinfo`]);
    },
  );

  it("leaves no half of what does not come", async () => {
    await expect(getFromBucket(google.metadataServer(), `${google.url}/gone`, scratch.in("x/file"))).rejects.toThrow(
      "404",
    );
    expect([existsSync(scratch.in("x/file")), existsSync(scratch.in("x/file.new"))]).toEqual([false, false]);
  });
});

describe("Cloud Logging", () => {
  const instance = { fleet: "devs", stack: "prod", wave: "canary", monitoring: true };
  const event: Event = {
    event: "run",
    metadata: { kind: "present", vm: "dev-alice", instance, attributes: {}, unknown: [] },
    state: { revision: "a".repeat(40), outcome: "failed", stage: "build", succeeded: "2026-01-01T00:00:00Z" },
    offline: false,
  };
  const where = { id: "42", zone: "projects/7/zones/europe-west1-b", project: "acme" };
  const entry = (changes: Partial<Event>, at = "2026-01-01T01:00:00Z") =>
    (entryOf({ ...event, ...changes }, where, Date.parse(at)) as { entries: Record<string, unknown>[] }).entries[0];

  it("gets how a run ended, written by the VM's own account", async () => {
    await tellCloud(google.metadataServer(), event);
    expect(google.logged).toMatchObject([
      {
        entries: [
          {
            logName: "projects/acme/logs/nixos-fleet-vms",
            resource: { labels: { project_id: "acme", instance_id: "42", zone: "europe-west1-b" } },
            severity: "ERROR",
            jsonPayload: { message: "failed at build", vm: "dev-alice", fleet: "devs", stack: "prod", wave: "canary" },
          },
        ],
      },
    ]);
  });

  it("gets since when a VM is behind, and that only the network was away", () => {
    expect(entry({})).toMatchObject({ jsonPayload: { secondsBehind: 3600 } });
    expect(entry({ offline: true })).toMatchObject({ severity: "WARNING" });
    expect(entry({ state: { ...event.state, outcome: "unchanged" } })).toMatchObject({
      severity: "INFO",
      jsonPayload: { secondsBehind: 0 },
    });
    expect(entry({ event: "alive" })).toMatchObject({ severity: "INFO", jsonPayload: { message: "alive" } });
  });

  it("gets nothing where no setting asks for it, and delays nothing where it is away", async () => {
    const silent = { ...event, metadata: { ...event.metadata, instance: { fleet: "devs", stack: "prod" } } } as Event;
    await tellCloud(google.metadataServer(), silent);
    expect(google.logged).toEqual([]);
    await tellCloud(new MetadataServer("127.0.0.1:1"), event);
    expect(scratch.log).toContain("Cloud Logging refuses the entries of this VM");
  });
});
