/** What the watcher starts: what it compares with, and when it asks for an update. */
import { mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { look } from "../../../agent/commands/look";
import type { MetadataServer } from "../../../agent/metadata-server";
import { pendingRequests, readRequests } from "../../../agent/requests";
import { SystemDriver } from "../../../agent/system/system";
import { systemPlace } from "../../../agent/system/system-place";
import { requester } from "../../../rules/decision/run-right";
import { A, approve, B, control } from "../rules/decision/cases";
import { Google } from "./google";
import { Scratch } from "./scratch";

let scratch: Scratch;
let google: Google;
let metadata: MetadataServer;
beforeEach(async () => {
  scratch = new Scratch();
  google = await Google.start({ apis: false });
  metadata = google.metadataServer();
  google.metadata["instance/name"] = "dev-alice";
  item({ wave: "rest" });
});
afterEach(() => {
  google.stop();
  scratch.remove();
});

const item = (about: object) => {
  google.metadata["instance/attributes/nixos-fleet"] = JSON.stringify({ fleet: "devs", stack: "dev", ...about });
};

/** Looks once while these are the project's attributes; what it asked for. */
async function seen(attributes: object): Promise<string[]> {
  google.metadata["project/attributes/"] = JSON.stringify(attributes);
  const place = { ...systemPlace(), stateFolder: scratch.in("state"), runFolder: scratch.in("run") };
  expect(await look(new SystemDriver(place, metadata))).toBe(0);
  const files = pendingRequests(scratch.in("run"));
  const requests = readRequests(files);
  for (const file of files) rmSync(file);
  return requests.map(({ trigger, by }) => `${trigger}: ${by}`);
}

/** The same for several looks, one after the other. */
async function watch(...answers: object[]): Promise<string[]> {
  const asked: string[] = [];
  for (const attributes of answers) asked.push(...(await seen(attributes)));
  return asked;
}

const approval = (revision: string) => `watch: the watcher (approval of ${revision.slice(0, 7)})`;

it("compares with its first answer after a boot, and so asks for nothing that stood there before", async () => {
  expect(await watch(approve({ rest: A }), approve({ rest: A }))).toEqual([]);
  // A boot forgets what was seen before it.
  rmSync(scratch.in("run"), { recursive: true });
  expect(await watch(approve({ rest: B }))).toEqual([]);
});

it("asks once when its approval changes, also back", async () => {
  const answers = [A, B, B, A].map((revision) => approve({ rest: revision }));
  expect(await watch(...answers)).toEqual([approval(B), approval(A)]);
});

it("asks for nothing that is about another wave", async () => {
  expect(await watch(approve({ rest: A }), approve({ rest: A, canary: B }))).toEqual([]);
});

it("asks when something of the control item is about its machine", async () => {
  const held = control({ holds: [{ scope: "vm:dev-alice", by: "ann", why: "demo", at: "2026-01-01T00:00:00Z" }] });
  const other = control({ holds: [{ scope: "vm:dev-bob", by: "ann", why: "demo", at: "2026-01-01T00:00:00Z" }] });
  const approved = approve({ rest: A });
  expect(await watch(approved, { ...approved, ...other }, { ...approved, ...held })).toEqual([
    "watch: the watcher (control item)",
  ]);
});

it("asks when its machine is in another wave, whose approval is the same", async () => {
  const both = approve({ rest: A, canary: A });
  expect(await seen(both)).toEqual([]);
  item({ wave: "canary" });
  expect(await seen(both)).toEqual(["watch: the watcher (wave canary)"]);
});

it("asks when its machine gets a home, and goes only where it is approved for it", async () => {
  expect(await seen(approve({ rest: A }))).toEqual([]);
  item({ wave: "rest", homes: [{ user: "alice", attribute: "alice" }] });
  expect(await seen(approve({ rest: A }))).toEqual(["watch: the watcher (this VM's own metadata)"]);
  expect(requester("watch").right).toBe("approved");
});

it("looks again soon where the server's answers are not whole, and asks for nothing", async () => {
  await seen(approve({ rest: A }));
  google.metadata["project/attributes/"] = "";
  const place = { ...systemPlace(), stateFolder: scratch.in("state"), runFolder: scratch.in("run") };
  expect(await look(new SystemDriver(place, metadata))).toBe(1);
  expect(await watch(approve({ rest: B }))).toEqual([approval(B)]);
});

it("publishes once an hour what the server lost, or has an older report of, and nothing else", async () => {
  mkdirSync(scratch.in("run"), { recursive: true });
  for (const key of ["system", "home-alice", "home-bob"])
    writeFileSync(scratch.in(`run/published-${key}`), `{"at":"new ${key}"}`);
  google.setReport("home-alice", '{"at":"old"}');
  google.setReport("home-bob", '{"at":"new home-bob"}');
  await seen(approve({ rest: A }));
  const again = ["system", "home-alice"].map((key) => [key, `{"at":"new ${key}"}`]);
  expect(google.published.sort()).toEqual(again.sort());
  google.setReport("system");
  await seen(approve({ rest: A }));
  expect(google.published).toHaveLength(2);
  const hour = Date.now() / 1_000 - 3_700;
  utimesSync(scratch.in("run/reports-checked"), hour, hour);
  await seen(approve({ rest: A }));
  expect(google.report("system")).toBe('{"at":"new system"}');
});
