/** The history, written and read by the tool's commands through the local cloud's API. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { machineActor } from "../../../cli/context";
import { accountOf, credentials } from "../../../cli/google/credentials";
import { eventOf } from "../../../cli/gate/history";
import { toHistory, withoutEnded } from "../../../cli/history";
import type { HistoryEntry } from "../../../cli/history-entry";
import { historyLines } from "../../../cli/commands/history";
import { failure, see } from "../gate/samples";
import { good, reading } from "./fleet-samples";
import { serve, type Served } from "../local/client";
import { oneStoppedVm, runServedFleet, underPulumi } from "./served-fleet";

let served: Served;

beforeEach(async () => {
  served = await serve();
});
afterEach(() => served.close());

const fleet = (args: string[], env: NodeJS.ProcessEnv = {}) => runServedFleet(served, args, { USER: "eve", ...env });

const entries = async (...args: string[]) =>
  JSON.parse((await fleet(["history", "--json", ...args])).out.join("\n")) as HistoryEntry[];

const oneVm = () => oneStoppedVm(served);

describe("fleet history", () => {
  it("tells who did what and how it went, newest first", async () => {
    await oneVm();
    await fleet(["hold", "--why", "demo"], { NIXOS_FLEET_BY: "eve@example.com" });
    await fleet(["resume", "--why", "over"], { NIXOS_FLEET_BY: "eve@example.com" });
    await fleet(["retry", good, "--by", "bob"]);
    expect((await fleet(["await", "--wave", "rest"], underPulumi)).code).toBe(0);
    // Who waits by hand passes nothing.
    expect((await fleet(["await", "--wave", "rest"])).code).toBe(0);
    const shown = await entries();
    expect(shown.map(({ event, scope, outcome, by, why }) => [event, scope, outcome, by.split("@")[0], why])).toEqual([
      ["gate", "wave:rest", "passed", "eve", undefined],
      ["retry", "fleet", "done", "bob", undefined],
      ["resume", "fleet", "done", "eve", "over"],
      ["hold", "fleet", "done", "eve", "demo"],
    ]);
    expect(shown[0]).toMatchObject({ revision: good, counts: { deferred: 1 } });
    expect(shown[3]).toMatchObject({ by: "eve@example.com", from: expect.stringMatching(/^eve@/) as string });
    const { out } = await fleet(["history", "--limit", "1"]);
    expect(out).toEqual([
      expect.stringMatching(/^WHEN \(UTC\) +WHO +WHAT +OUTCOME +HOW$/),
      expect.stringMatching(
        /^\d{4}-\d\d-\d\d \d\d:\d\d +eve@\S+ +wave rest to bbbbbbb +passed +1 deferred, after \d+ s$/,
      ),
    ]);
  });

  it("shows a rollout whose gate never ended as started", async () => {
    await oneVm();
    await fleet(["await", "--wave", "rest"], underPulumi);
    const { logEntries = [] } = served.cloud.store.state;
    served.cloud.store.state.logEntries = logEntries.filter(({ jsonPayload }) => {
      return (jsonPayload as HistoryEntry).outcome === "started";
    });
    expect((await entries()).map(({ outcome }) => outcome)).toEqual(["started"]);
  });

  it("keeps fleets apart, and looks back as far as the option says", async () => {
    await oneVm();
    await fleet(["hold", "--why", "demo"]);
    expect((await fleet(["history", "--stack", "prod"])).out).toEqual(["the log has no entries for that time"]);
    const [entry] = served.cloud.store.state.logEntries?.slice(-1) ?? [];
    if (entry !== undefined) entry.timestamp = new Date(Date.now() - 3 * 86_400_000).toISOString();
    expect(await entries("--since", "2d")).toEqual([]);
    expect(await entries("--since", "4d")).toHaveLength(1);
  });
});

test("what cannot be written to the history is a warning, and nothing more", async () => {
  await oneVm();
  const { code, out, err } = await fleet(["hold", "--why", "demo"], {
    NIXOS_FLEET_LOGGING_ENDPOINT: "http://127.0.0.1:1/",
  });
  expect([code, out]).toEqual([0, ["the fleet devs/dev is held: demo"]]);
  expect(err).toEqual([expect.stringMatching(/^the history could not be written \(.*\); nothing else is affected$/)]);
});

test.each([
  [["--since", "yesterday"], /--since is yesterday; it must be a time/],
  [["--limit", "0"], /--limit is 0; it must be a number/],
])("fleet history %j is refused in one line", async (args, message) => {
  const { code, err } = await fleet(["history", ...args]);
  expect([code, err]).toEqual([2, [expect.stringMatching(message)]]);
});

const sample: HistoryEntry = {
  at: "2026-01-01T12:00:00Z",
  by: "eve",
  from: "eve@desk",
  event: "gate",
  scope: "wave:rest",
  outcome: "passed",
};

test("a rollout's start is shown only while its end is not known", () => {
  const start = { ...sample, outcome: "started" as const, run: "1" };
  expect(withoutEnded([{ ...sample, run: "1" }, start, { ...start, run: "2" }])).toHaveLength(2);
});

test("a container's user without a name acts too", () => {
  const readUser = () => {
    throw new Error("uv_os_get_passwd returned ENOENT");
  };
  expect(machineActor({ env: {} }, readUser)).toMatch(/^uid-\d+@/);
});

test("an entry that someone else wrote does not act, and one that is none is left out", () => {
  const forged = {
    ...sample,
    why: "\u001b[2J\u202egone\nand more",
    by: "\u0007eve",
    failed: { "\u009b2Jx\u202e": "no" },
  };
  const read = toHistory({ timestamp: "\u001b[1mnow", labels: {}, jsonPayload: { ...forged } });
  expect(historyLines(read ? [read] : [], false).join("")).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  // JSON escapes not all of these.
  expect(JSON.stringify(read)).not.toMatch(/[\u007f-\u009f\u202e]/);
  expect(toHistory({ timestamp: "", labels: {}, jsonPayload: { message: "kernel: hello" } })).toBeUndefined();
});

test("a gate's end names its failures", () => {
  const state = see([[0, reading(failure)]]);
  const end = { outcome: "failed", reason: "1 of 1 failed", stopped: false, took: 1.26, state } as const;
  expect(eventOf(end)).toEqual({
    outcome: "failed",
    took: 1.3,
    why: "1 of 1 failed",
    counts: { failed: 1 },
    failed: { a: "build failed: said no" },
  });
});

test("a service account is who acts, with its own key; a bare token is no one's", async () => {
  const directory = mkdtempSync(join(tmpdir(), "fleet-history-"));
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = privateKey.export({ type: "pkcs8", format: "pem" });
  const file = join(directory, "key.json");
  writeFileSync(
    file,
    JSON.stringify({ type: "service_account", client_email: "ci@p.iam.gserviceaccount.com", private_key: key }),
  );
  const before = process.env["GOOGLE_APPLICATION_CREDENTIALS"];
  process.env["GOOGLE_APPLICATION_CREDENTIALS"] = file;
  try {
    expect(await accountOf(credentials({ project: "p" }, ["logging.write"]))).toBe("ci@p.iam.gserviceaccount.com");
  } finally {
    if (before === undefined) delete process.env["GOOGLE_APPLICATION_CREDENTIALS"];
    else process.env["GOOGLE_APPLICATION_CREDENTIALS"] = before;
    rmSync(directory, { recursive: true });
  }
  expect(await accountOf(credentials({ project: "p", identity: { accessToken: "t" } }, []))).toBeUndefined();
});
