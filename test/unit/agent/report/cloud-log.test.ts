/** What a VM tells Cloud Logging. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
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
