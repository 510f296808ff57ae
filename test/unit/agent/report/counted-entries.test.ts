/** What the agent tells Cloud Logging, and what the alerts count of it; curl is a stand-in. */
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Event, tellCloud } from "../../../../agent/report/cloud-log";
import { logMetrics } from "../../../../infra/monitoring/log-metrics";
import { parseInstanceMetadata } from "../../../../rules/instance-metadata";
import type { MetadataServer } from "../../../../agent/metadata-server";
import { timestamp } from "../../../../agent/host/time";
import type { Report } from "../../../../rules/report";
import { Google } from "../google";
import { Scratch } from "../scratch";

let scratch: Scratch;
let google: Google;
let metadata: MetadataServer;
beforeEach(async () => {
  scratch = new Scratch();
  google = await Google.start({ apis: false });
  metadata = google.metadataServer();
  // Keeps what is sent by who shows the token.
  scratch.fake(
    "curl",
    `[[ $* != *vm-token* ]] || exit 2
    config=$(cat)
    value() { sed -n "s/^$1 = \\"\\(.*\\)\\"\\$/\\1/p" <<<"$config"; }
    grep -qx 'header = "Authorization: Bearer vm-token"' <<<"$config" || exit 22
    value data-binary | sed 's/\\\\"/"/g' >${scratch.in("sent")}`,
  );
});
afterEach(() => {
  google.stop();
  scratch.remove();
});

describe("the entry in Cloud Logging", () => {
  interface Entry {
    logName: string;
    severity: string;
    resource: { type: string; labels: Record<string, string> };
    jsonPayload: Record<string, unknown>;
  }
  const day = 86_400_000;
  const at = (days: number) => timestamp(Date.now() - days * day);

  async function logged(
    event: Event["event"],
    state: Event["state"],
    offline = false,
    homes: Event["homes"] = [],
  ): Promise<Entry[]> {
    google.metadata["instance/id"] = "42";
    google.metadata["instance/zone"] = "projects/7/zones/europe-west1-b";
    google.metadata["project/project-id"] = "acme-dev";
    const item = { fleet: "devs", stack: "dev", wave: "all", monitoring: true };
    const instance = parseInstanceMetadata(JSON.stringify(item));
    if (!instance.ok) throw new Error(instance.problem);
    const { value } = instance;
    const known = {
      kind: "present",
      vm: "dev-alice",
      instance: value,
      attributes: {},
      unknown: [] as string[],
    } as const;
    await tellCloud(metadata, { event, metadata: known, state, offline, homes });
    return (JSON.parse(readFileSync(scratch.in("sent"), "utf8")) as { entries: Entry[] }).entries;
  }

  /** Whether an entry meets a filter: of Cloud Logging's language no more than these filters use, and nothing else passes. */
  function meets(filter: string, entry: Entry): boolean {
    const rank = ["INFO", "WARNING", "ERROR"];
    return filter.split(" AND ").every((term) => {
      const [, not, path = "", relation = "", wanted = ""] = /^(NOT )?([\w.]+)(>=|=)"?([^"]*)"?$/.exec(term) ?? [];
      if (path === "") throw new Error(`the test does not know ${term}`);
      const value = path
        .split(".")
        .reduce<unknown>((inner, key) => (inner as Record<string, unknown> | null | undefined)?.[key], entry);
      if (not !== undefined) return value !== wanted;
      if (path === "severity") return rank.indexOf(String(value)) >= rank.indexOf(wanted);
      return relation === ">=" ? Number(value) >= Number(wanted) : value === wanted;
    });
  }

  const counted = logMetrics(
    { project: "acme-dev", fleet: "devs", stack: "dev" },
    { channels: [], daysBehind: 3, silentAfter: 7200 },
  );
  const met = (entry: Entry | undefined) =>
    entry && Object.entries(counted).flatMap(([name, { filter }]) => (meets(filter, entry) ? [name] : []));

  /** What counts a sign of life, whatever it says. */
  const sign = ["state", "age"] as const;

  it.each([
    ["a good run", "run", { outcome: "unchanged", at: at(0), succeeded: at(9) }, false, ["alive"]],
    ["a failed one", "run", { outcome: "failed", stage: "build", succeeded: at(1) }, false, ["alive", "failed"]],
    ["a network that was away", "run", { outcome: "failed", succeeded: at(1) }, true, ["alive"]],
    ["a VM that is held for days", "alive", { outcome: "held", succeeded: at(4) }, false, ["alive", "behind", ...sign]],
    [
      "one that failed and lives",
      "alive",
      { outcome: "failed", succeeded: at(4) },
      false,
      ["alive", "behind", ...sign],
    ],
  ] as const)("of %s is counted as it should be", async (_, event, state, offline, expected) => {
    const [entry] = await logged(event, state, offline);
    expect(met(entry)).toEqual(expected);
  });

  it("of a sign of life comes with one for each home, which counts for no VM", async () => {
    const report = (outcome: Report["outcome"], stage?: Report["stage"]) =>
      ({ revision: "a".repeat(40), outcome, ...(stage === undefined ? {} : { stage }) }) as Report;
    const homes = [
      { user: "alice", report: report("failed", "build"), secondsSilent: 0 },
      { user: "bob", report: report("updated"), secondsSilent: 7200 },
      { user: "carol", secondsSilent: 7199 },
    ];
    const entries = await logged("alive", { outcome: "updated" }, false, homes);
    expect(entries.map(met)).toEqual([["alive", ...sign], ["home-failed"], ["home-silent"], []]);
    expect(entries.map(({ severity, jsonPayload }) => [severity, jsonPayload["message"], jsonPayload["user"]])).toEqual(
      [
        ["INFO", "alive", undefined],
        ["WARNING", "home of alice: failed at build", "alice"],
        ["INFO", "home of bob: updated", "bob"],
        ["INFO", "home of carol: never ran", "carol"],
      ],
    );
  });

  it("has the reason, and not the token", async () => {
    const [entry] = await logged("run", { outcome: "failed", stage: "build", error: "no" });
    expect(entry).toMatchObject({ jsonPayload: { report: { error: "no" } } });
    expect(readFileSync(scratch.in("sent"), "utf8")).not.toContain("vm-token");
  });
});
