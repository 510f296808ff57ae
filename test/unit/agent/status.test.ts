/** `status`, read from the files that runs leave, without asking any server. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { showStatus } from "../../../agent/commands/status";
import { writeCachedSettings } from "../../../agent/cached-settings";
import { Progress } from "../../../agent/report/progress";
import { writeHold, writeState } from "../../../agent/state";
import type { AgentState } from "../../../rules/agent-state";
import { originOf } from "./git/origin";
import { Repository, Scratch } from "./scratch";
import { standInPlace } from "./stand-in-driver";

let scratch: Scratch;
let printed: string;

beforeEach(() => {
  scratch = new Scratch();
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  scratch.fake("systemctl", "echo '[]'");
});
afterEach(() => {
  vi.restoreAllMocks();
  scratch.remove();
});

const place = () => standInPlace(scratch);
const state: AgentState = {
  revision: "a".repeat(40),
  outcome: "updated",
  at: "2026-01-01T00:00:00Z",
  toplevel: "/nix/store/x",
};

async function shown(json = false): Promise<string> {
  await showStatus({ place: place() }, json);
  return printed;
}

it("says so before the first run", async () => {
  expect(await shown()).toBe("no update has run yet\n");
});

it("says what runs, the branch, how far it is ahead, the fleet, and when it goes on", async () => {
  const source = new Repository(scratch.in("origin"));
  const revision = source.commit("1");
  source.commit("2");
  const head = source.commit("3");
  await place().mirror.fetch(originOf(source.url), head);
  writeState(scratch.in("state"), { ...state, revision }, false);
  const settings = { branch: "main", repository: "https://h/config.git", fleet: "devs", stack: "prod", wave: "canary" };
  writeCachedSettings(scratch.in("run"), settings);
  // Microseconds; the one that does not elapse again has 0.
  scratch.fake("systemctl", `echo '[{"next":1767229200000000},{"next":1767226500000000},{"next":0}]'`);
  expect((await shown()).split("\n")).toEqual([
    `revision   ${revision}`,
    "outcome    updated, 2026-01-01T00:00:00Z",
    "runs       /nix/store/x",
    "branch     main of https://h/config.git, 2 ahead; goes there at the next boot",
    "fleet      devs, stack prod, wave canary",
    "next       2026-01-01T00:15:00Z",
    "",
  ]);
});

it("says what a run does now, since when, and who asked, as long as it runs", async () => {
  writeState(scratch.in("state"), state, false);
  new Progress(scratch.in("run"), { by: "alice", trigger: "manual" }).at("building", "b".repeat(40));
  expect(await shown()).toMatch(
    /^running +building bbbbbbb since \S+Z; update requested by alice \(manual\) at \S+Z$/m,
  );
  printed = "";
  const ended = spawn("true");
  await new Promise((resolve) => ended.on("exit", resolve));
  writeFileSync(scratch.in("run/progress.json"), JSON.stringify({ stage: "building", pid: ended.pid }));
  expect(await shown()).not.toContain("running");
});

it("is JSON where that is asked for", async () => {
  writeState(scratch.in("state"), state, false);
  writeHold(scratch.in("state"), { by: "alice", why: "not today" });
  expect(JSON.parse(await shown(true))).toMatchObject({ hold: { by: "alice", why: "not today" }, state, known: {} });
});

it("says of a VM that is failing since when, and when it tries again", async () => {
  const [since, last] = ["2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z"];
  const repeated = { text: "odd", tries: 4, since, last, bootedAt: since };
  writeState(scratch.in("state"), { ...state, outcome: "failed", transient: true, repeated }, false);
  expect(await shown()).toContain(`failing    4 times since ${since}; tries again after 2026-01-02T02:00:00Z`);
});

it("prints no control characters, in anything that it shows", async () => {
  const bad = "\u001b[2Jx\u0007\u202ey";
  writeHold(scratch.in("state"), { by: bad, why: bad });
  writeState(scratch.in("state"), { ...state, outcome: "failed", error: bad, toplevel: bad }, false);
  writeCachedSettings(scratch.in("run"), { branch: bad, fleet: bad });
  new Progress(scratch.in("run"), { by: bad, trigger: bad }).at(bad);
  expect(await shown()).toMatch(/^[\n\x20-\x7e]*$/);
});
