/** `publish USER`: a home's report is its user's own claim, and its user may do with it what they like. */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { publishHome } from "../../../../agent/commands/publish";
import { dropHomeMetrics } from "../../../../agent/report/metrics";
import { sinceBoot } from "../../../../agent/host/time";
import { SystemDriver } from "../../../../agent/system/system";
import { Google } from "../google";
import { Scratch } from "../scratch";
import { standInPlace } from "../stand-in-driver";

let scratch: Scratch;
let google: Google;
beforeEach(async () => {
  scratch = new Scratch();
  google = await Google.start();
  process.env["NIXOS_AUTO_UPDATE_PUBLISH_PAUSE"] = "0.2";
  scratch.fake("getent", `[ "$2" = alice ] && echo "alice:x:4242:4242::${scratch.in("home")}:/bin/sh"`);
  // Without becoming the user, and without root's environment as ever.
  scratch.fake("setpriv", `while [ "$1" != -- ]; do shift; done; shift; exec "$@"`);
  mkdirSync(scratch.in("home/.local/state/nixos-hm-auto-update"), { recursive: true });
});
afterEach(() => {
  delete process.env["NIXOS_AUTO_UPDATE_PUBLISH_PAUSE"];
  google.stop();
  scratch.remove();
});

const state = {
  ...{ revision: "a".repeat(40), lock: "l", toplevel: "/nix/store/x", outcome: "updated", rolledBack: false },
  ...{ rebootRequired: false, at: "2026-01-01T00:00:00Z", bootedAt: "2026-01-01T00:00:00Z", agent: "0" },
};
/** At once, as the home's agent does it. */
function claim(text: unknown): void {
  writeFileSync(scratch.in("home/new"), typeof text === "string" ? text : JSON.stringify(text));
  renameSync(scratch.in("home/new"), scratch.in("home/.local/state/nixos-hm-auto-update/state.json"));
}
const publish = (user = "alice", metrics?: string) =>
  publishHome(new SystemDriver(standInPlace(scratch), google.metadataServer()), user, metrics);

it("publishes what has a report's shape, and no more of it", async () => {
  claim({ ...state, refused: [], secret: "x", error: `\u001b[2J${"e".repeat(50_000)}end` });
  expect(await publish()).toBe(0);
  const [[key, text] = ["", ""]] = google.published;
  expect(key).toBe("home-alice");
  expect(text.length).toBeLessThan(3000);
  expect(JSON.parse(text)).toMatchObject({
    revision: state.revision,
    error: expect.stringMatching(/^e+end$/) as string,
  });
  expect(text).not.toContain("secret");
});

it.each<[string, unknown]>([
  ["no JSON", "hello"],
  ["a list", "[]"],
  ["an outcome of its own", { ...state, outcome: "great" }],
  ["more than a report can be", { ...state, error: "x".repeat(200_000) }],
])("publishes nothing where it is %s", async (_, text) => {
  claim(text);
  expect(await publish()).toBe(0);
  expect(google.published).toEqual([]);
  expect(scratch.log).toContain("home of alice: its state is not a valid report; nothing published");
});

it("publishes nothing, and goes on, where both of its files have times that are no text", async () => {
  const file = scratch.in("home/.local/state/nixos-hm-auto-update/state.json");
  // One of the two would be in /run/user.
  scratch.fake("head", `cat ${file}`);
  claim({ ...state, at: { toString: 1, valueOf: 1 } });
  expect(await publish()).toBe(0);
  expect(google.published).toEqual([]);
});

it("leaves the home's metrics where the system's settings ask for them, by its user's name, and removes those of homes that are gone", async () => {
  const folder = scratch.in("metrics");
  claim({ ...state, agent: 'a"} 1\nevil{x="' });
  await publish("alice", folder);
  const text = readFileSync(join(folder, "nixos-hm-auto-update-alice.prom"), "utf8");
  expect(text).toContain('\nnixos_hm_auto_update_outcome{user="alice",outcome="updated"} 1\n');
  expect(text).toContain('\nnixos_hm_auto_update_last_attempt_timestamp_seconds{user="alice"} 1767225600\n');
  expect(text).toContain('agent="a\\"} 1\\nevil{x=\\""} 1\n');
  writeFileSync(join(folder, "nixos-hm-auto-update-bob.prom"), "");
  dropHomeMetrics(folder, ["alice"]);
  expect(readdirSync(folder)).toEqual(["nixos-hm-auto-update-alice.prom"]);
});

it("asks for a pause whatever the state is, since systemd starts it again at each change", async () => {
  for (const text of ["garbage", state]) {
    claim(text);
    const started = Date.now();
    await publish();
    expect(Date.now() - started).toBeGreaterThanOrEqual(200);
  }
});

it("publishes what changes meanwhile, no faster than its pause", async () => {
  let changes = 0;
  const writer = setInterval(() => claim({ ...state, error: String(changes++) }), 10);
  setTimeout(() => clearInterval(writer), 1000);
  claim(state);
  await publish().finally(() => clearInterval(writer));
  expect(google.published.length).toBeGreaterThan(1);
  expect(google.published.length).toBeLessThan(8);
  expect(JSON.parse(google.published.at(-1)?.[1] ?? "")).toMatchObject({ error: String(changes - 1) });
});

it("of a home that changes without end is published less and less often, also when systemd starts it again in between", async () => {
  process.env["NIXOS_AUTO_UPDATE_PUBLISH_PAUSE"] = "0.15";
  const started = Date.now();
  const places = new SystemDriver(standInPlace(scratch), google.metadataServer()).place;
  mkdirSync(places.runFolder, { recursive: true });
  writeFileSync(join(places.runFolder, "publishing-budget-alice"), JSON.stringify({ reports: 1, at: sinceBoot() }));
  for (const error of ["one", "two", "three", "four"]) {
    claim({ ...state, error });
    await publish();
  }
  expect(google.published.map(([, text]) => (JSON.parse(text) as { error: string }).error)).toEqual([
    "one",
    "two",
    "three",
    "four",
  ]);
  // The first at once, and the others 900 ms, which are six pauses, after each other.
  expect(Date.now() - started).toBeGreaterThanOrEqual(2_700);
});

it("of an unknown user is refused", async () => {
  await expect(publish("bob")).rejects.toThrow('there is no user "bob"');
});
