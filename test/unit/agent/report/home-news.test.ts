/** What a VM's hourly sign of life says of its homes, out of root's own files. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { look } from "../../../../agent/commands/look";
import { homeNews } from "../../../../agent/report/home-news";
import { SystemDriver } from "../../../../agent/system/system";
import { systemPlace } from "../../../../agent/system/system-place";
import { Google } from "../google";
import { Scratch } from "../scratch";

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
  mkdirSync(scratch.in("run"), { recursive: true });
  write("published-system", {});
});
afterEach(() => {
  vi.useRealTimers();
  scratch.remove();
});

const write = (name: string, content: unknown) => writeFileSync(scratch.in(`run/${name}`), JSON.stringify(content));
const at = (hour: number) => `2026-01-01T${String(hour).padStart(2, "0")}:00:00Z`;
/** The machine asked its homes at this hour. */
const ask = (hour: number, ...users: string[]) =>
  write("homes.json", { at: at(hour), homes: users.map((user) => ({ user })) });
/** Root published for a home how its run at this hour ended. */
const ran = (user: string, hour: number, outcome = "updated") =>
  write(`published-home-${user}`, {
    ...{ revision: "a".repeat(40), lock: "", toplevel: "/nix/store/x", outcome, rolledBack: false },
    ...{ rebootRequired: false, at: at(hour), bootedAt: at(0), agent: "0" },
  });

/** Home → hours of silence, and how its last run ended, at this hour. */
function news(hour: number) {
  vi.useFakeTimers({ now: Date.parse(at(hour)) });
  const homes = homeNews(scratch.in("run"));
  return Object.fromEntries(
    homes.map(({ user, secondsSilent, report }) => [user, [secondsSilent / 3600, report?.outcome]]),
  );
}

it("counts a home's silence from when it is first seen not to have run, until it runs", () => {
  ran("alice", 1, "failed");
  ask(1, "alice", "bob");
  expect(news(2)).toEqual({ alice: [0, "failed"], bob: [0, undefined] });
  // A long time ago, and asked a moment ago.
  ask(9, "alice", "bob");
  expect(news(9)).toEqual({ alice: [0, "failed"], bob: [7, undefined] });
  expect(news(11)).toEqual({ alice: [2, "failed"], bob: [9, undefined] });
  // Asked again in between: it still has not run since the first time.
  ask(12, "alice", "bob");
  expect(news(13)).toMatchObject({ alice: [4, "failed"] });
  ran("alice", 13);
  ran("bob", 13);
  expect(news(14)).toEqual({ alice: [0, "updated"], bob: [0, "updated"] });
});

it("knows nothing where no report is taken, and where no home was asked", () => {
  expect(news(2)).toEqual({});
  ask(1, "alice");
  rmSync(scratch.in("run/published-system"));
  expect(news(2)).toEqual({});
});

it("does without a file that a power cut left half", () => {
  ask(1, "alice");
  for (const name of ["homes-missed.json", "published-home-alice"])
    writeFileSync(scratch.in(`run/${name}`), '{"alice": 7');
  expect(news(2)).toEqual({ alice: [0, undefined] });
});

it("goes to Cloud Logging with the sign of life", async () => {
  const google = await Google.start();
  try {
    ran("alice", 1, "failed");
    ask(1, "alice");
    google.metadata["instance/name"] = "dev-alice";
    google.metadata["instance/attributes/nixos-fleet"] = JSON.stringify({
      fleet: "devs",
      stack: "dev",
      monitoring: true,
    });
    google.metadata["project/attributes/"] = "{}";
    const place = { ...systemPlace(), stateFolder: scratch.in("state"), runFolder: scratch.in("run") };
    expect(await look(new SystemDriver(place, google.metadataServer()))).toBe(0);
    expect(google.logged).toMatchObject([
      {
        entries: [
          { jsonPayload: { event: "alive", vm: "dev-alice" } },
          {
            jsonPayload: {
              event: "home",
              vm: "dev-alice",
              user: "alice",
              secondsSilent: 0,
              report: { outcome: "failed" },
            },
          },
        ],
      },
    ]);
  } finally {
    google.stop();
  }
});
