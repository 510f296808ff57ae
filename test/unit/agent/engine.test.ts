/** A run from its decision to its end: a real git, a Nix that does what a test says, and the files that are left. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type CommonDecision, type Driver, dryRequest, type RunRequest, UpdateFailure } from "../../../agent/driver";
import { attempt } from "../../../agent/engine";
import type { Origin } from "../../../agent/git/mirror";
import { readState, writeState } from "../../../agent/state";
import { type Decision, held, stay } from "../../../rules/decision/decision";
import { Repository, Scratch } from "./scratch";
import { repositoryDriver, standInDecision, standInPlace } from "./stand-in-driver";

let scratch: Scratch;
let repository: Repository;
let revision: string;
let decision: CommonDecision;

beforeEach(() => {
  scratch = new Scratch();
  repository = new Repository(scratch.in("origin"));
  revision = repository.commit("{}");
  const target = { revision, source: "approval", explicit: true, urgent: false } as const;
  decision = { ...standInDecision, action: "update", target };
  writeState(scratch.in("state"), { revision: "d".repeat(40), bootedAt: "2026-01-01T00:00:00Z" }, false);
  scratch.fake("systemctl", "true");
  scratch.fake("systemd-run", `printf '%s\\n' "$*" >>${scratch.in("started")}`);
  scratch.fake("nix", `echo /nix/store/x.drv`);
  scratch.fake("nix-store", `echo tried >>${scratch.in("builds")}; echo 'error: odd' >&2; exit 1`);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 0, 1, 8) });
});
afterEach(() => {
  vi.useRealTimers();
  scratch.remove();
});

const driver = (more: Partial<Driver> = {}): Driver => repositoryDriver(scratch, repository, () => decision, more);

const run = (changes: Partial<RunRequest> = {}, more: Partial<Driver> = {}) =>
  attempt(driver(more), {
    ...{ wanted: undefined, force: false, once: false, dry: false, right: "approved", person: false, patient: false },
    ...{ stage: () => undefined, ...changes },
  });

const linesOf = (file: string) => (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : []);
const builds = () => linesOf(scratch.in("builds")).length;
/** In how many seconds from now the tries come, or were to come. */
const delays = () =>
  linesOf(scratch.in("started")).map((line) => {
    const [, day, time] = /--on-calendar=(\S+) (\S+) UTC/.exec(line) ?? [];
    if (day === undefined) return Number(/--on-active=(\d+)/.exec(line)?.[1]);
    return (Date.parse(`${day}T${time ?? ""}Z`) - Date.now()) / 1000;
  });
const pass = (minutes: number) => vi.setSystemTime(Date.now() + minutes * 60_000);

describe("a build that fails in an unknown way", () => {
  it("is tried again soon, and once a day when it has failed three times over an hour", async () => {
    for (const minutes of [0, 30, 31]) {
      pass(minutes);
      expect((await run()).ending).toMatchObject({ outcome: "failed", stage: "build", retry: "error: odd" });
    }
    expect(readState(scratch.in("state")).state).toMatchObject({ transient: true, repeated: { tries: 3 } });
    expect(delays()[1]).toBeLessThan(60);
    expect(delays()[2]).toBeGreaterThanOrEqual(24 * 3600);

    pass(60);
    expect((await run()).ending).toMatchObject({ outcome: "failed", stage: "build", error: "error: odd" });
    expect(builds()).toBe(3);
    expect(delays()[3]).toBeGreaterThan(22 * 3600);
    expect(readState(scratch.in("state")).state.repeated).toMatchObject({ tries: 3 });

    pass(24 * 60);
    await run();
    expect(builds()).toBe(4);
  });

  it.each([
    ["a person asks", () => run({ person: true })],
    ["an operator asks", () => ((decision = { ...decision, retry: [revision] }), run())],
    ["another revision is approved", () => ((revision = repository.commit("other")), retarget())],
    [
      "it has booted",
      () => {
        rmSync(scratch.in("run/booted-at"));
        bootAgain();
        return run();
      },
    ],
  ])("is tried at once where %s", async (_, again) => {
    for (const minutes of [0, 30, 31]) {
      pass(minutes);
      await run();
    }
    await again();
    expect(builds()).toBe(4);
  });
});

function retarget(): Promise<unknown> {
  decision = { ...decision, target: { revision, source: "approval", explicit: true, urgent: false } };
  return run();
}

function bootAgain(): void {
  writeFileSync(scratch.in("run/booted-at"), "2026-01-01T09:30:00Z\n");
}

describe("what was built", () => {
  const activated: string[] = [];
  const deploy = (more: Partial<Driver> = {}) => {
    activated.length = 0;
    const built = scratch.in("built");
    writeFileSync(built, "");
    scratch.fake("nix-store", `[ "$1" != --realise ] || ln -sfn ${built} "$4"`);
    const activate: Driver["activate"] = (path) => (activated.push(path), Promise.resolve({ kind: "done" }));
    return run({}, { activate, current: () => activated.at(-1) ?? "", ...more });
  };

  it("is activated where its agent works", async () => {
    expect((await deploy()).ending).toMatchObject({ outcome: "updated" });
    expect(activated).toHaveLength(1);
  });

  it("has its result written and published before the repository drops what is old", async () => {
    const place = standInPlace(scratch);
    const did: unknown[] = [];
    vi.spyOn(place.mirror, "prune").mockImplementation((keep) => {
      did.push(keep);
      return Promise.reject(new Error("locked"));
    });
    const concluded = () => (did.push(readState(scratch.in("state")).state.revision), Promise.resolve({}));
    expect((await deploy({ place, concluded })).ending).toMatchObject({ outcome: "updated" });
    expect(did).toEqual([revision, [revision, "d".repeat(40), undefined]]);
  });

  it("is not activated and not tried again where its agent does not work", async () => {
    const { ending } = await deploy({ agentError: () => Promise.resolve("it does not start") });
    expect(ending).toMatchObject({ outcome: "failed", stage: "verify", error: "it does not start", refuse: revision });
    expect(activated).toEqual([]);
  });

  it("is tried again where that could not be determined", async () => {
    const { ending } = await deploy({
      agentError: () => Promise.reject(new UpdateFailure("verify", "no time left", "unknown")),
    });
    expect(ending).toMatchObject({ outcome: "failed", stage: "verify", retry: "no time left" });
    expect(ending).not.toHaveProperty("refuse");
    expect(activated).toEqual([]);
  });

  it("is not asked where it runs already", async () => {
    const { ending } = await deploy({ agentError: () => Promise.reject(new Error("asked")), isCurrent: () => true });
    // A specialisation of what was built may run.
    expect(ending).toMatchObject({ outcome: "unchanged", deployed: scratch.in("built") });
  });

  /** What is decided by the first look, and by each one after it. */
  const decisions = (...each: CommonDecision[]): Partial<Driver> => {
    let looks = 0;
    return {
      look: () => (looks++, driver().look(dryRequest)),
      decide: () => each[Math.min(looks, each.length) - 1] ?? decision,
    };
  };
  const stays = (other: Decision): CommonDecision => ({ ...standInDecision, ...other });

  it("is not activated where a hold came while it was built", async () => {
    const { ending, decision: last } = await deploy(decisions(decision, stays(held({ by: "carol", why: "a demo" }))));
    expect(ending).toMatchObject({ outcome: "held", error: "held by carol: a demo" });
    expect(last.reason).toBe("held by carol: a demo");
    expect(activated).toEqual([]);
    expect(readState(scratch.in("state")).state).toMatchObject({ outcome: "held", revision: "d".repeat(40) });
  });

  it("is tried again where the metadata server went away meanwhile", async () => {
    const away = { ...stay("deferred", "the server is away"), transient: true };
    const { ending } = await deploy(decisions(decision, stays(away)));
    expect(ending).toMatchObject({ outcome: "deferred", retry: "the server is away" });
    expect(activated).toEqual([]);
    expect(delays()).toHaveLength(1);
  });

  it("gives way to what was approved meanwhile", async () => {
    const newer = repository.commit("newer");
    const target = { revision: newer, source: "approval", explicit: true, urgent: false } as const;
    const { ending } = await deploy(decisions(decision, { ...decision, target }));
    expect(ending).toMatchObject({ outcome: "updated", revision: newer });
    expect(activated).toHaveLength(1);
  });

  it("waits for what comes by itself, and says that it does", async () => {
    const why = "the manager has not started yet";
    const { ending } = await deploy({ comesFirst: () => Promise.resolve(why) });
    expect(ending).toMatchObject({ outcome: "deferred", error: why, retry: why });
    expect(activated).toEqual([]);
    expect(readState(scratch.in("state")).state).toMatchObject({ outcome: "deferred", transient: true });
    await deploy({ obstacle: () => Promise.resolve("edits that are not committed") });
    expect(readState(scratch.in("state")).state.transient).toBeUndefined();
  });

  it("is not activated over work that was begun while it was built", async () => {
    const work = [undefined, "edits that are not committed"];
    const { ending } = await deploy({ obstacle: () => Promise.resolve(work.shift()) });
    expect(ending).toMatchObject({ outcome: "deferred", error: "edits that are not committed" });
    expect(activated).toEqual([]);
  });

  describe("and waits for its time", () => {
    const why = "built; waiting for the window";
    const waits: Partial<Driver> = { postponed: () => ({ why, waiting: { for: "window" } }) };
    const rooted = () => existsSync(scratch.in("state/built"));

    it("is kept from garbage collection until then", async () => {
      expect((await deploy(waits)).ending).toMatchObject({ outcome: "deferred", waiting: { for: "window" } });
      expect(rooted()).toBe(true);
      expect((await deploy()).ending).toMatchObject({ outcome: "updated" });
      expect(rooted()).toBe(false);
    });

    it("is kept also where the repository does not answer meanwhile", async () => {
      await deploy(waits);
      rmSync(scratch.in("mirror"), { recursive: true });
      const origin = async () => ({ ...(await driver().origin(decision)), url: scratch.in("away") });
      expect((await run({}, { ...waits, origin })).ending).toMatchObject({ outcome: "failed", cause: "network" });
      expect(rooted()).toBe(true);
    });

    it("is kept where a person looks what an update would do", async () => {
      await deploy(waits);
      expect((await run({ dry: true })).ending).toMatchObject({ outcome: "updated" });
      expect(rooted()).toBe(true);
    });

    it.each([
      ["it is held", stays(held({ by: "carol", why: "a demo" }))],
      ["it is no longer wanted", stays(stay("unchanged", "runs what is approved"))],
    ])("is let go where %s", async (_, other) => {
      await deploy(waits);
      await run({}, { decide: () => other });
      expect(rooted()).toBe(false);
    });
  });

  it("is looked for at its head once", async () => {
    const needs: CommonDecision = { ...standInDecision, need: { kind: "head", branch: "main" } };
    const decide: Driver["decide"] = (_, _request, { head }) =>
      head === undefined
        ? needs
        : { ...decision, target: { revision: head, source: "branch", explicit: true, urgent: false } };
    const pushes = () => (repository.commit("pushed meanwhile"), Promise.resolve(undefined));
    expect((await deploy({ decide, agentError: pushes })).ending).toMatchObject({ outcome: "updated", revision });
  });

  it("is activated again after a kill between its success and the state that says so", async () => {
    const dies = () => Promise.reject(new Error("killed"));
    await expect(deploy({ needsReboot: dies })).rejects.toThrow("killed");
    expect(readState(scratch.in("state")).state.revision).not.toBe(revision);
    decision = standInDecision;
    await deploy();
    expect(activated).toHaveLength(1);
    expect(readState(scratch.in("state")).state).toMatchObject({ outcome: "updated", revision });
    expect(existsSync(scratch.in("state/trial.json"))).toBe(false);
  });
});

describe("whether what is deployed descends from what is approved", () => {
  let deployed: string;
  const mirror = () => scratch.in("mirror");

  const compare = (origin: Partial<Origin> = {}) =>
    run(
      {},
      {
        decide: (_situation, _request, { descends }) => ({
          ...stay("unchanged", `descends: ${descends}`),
          ...{ settings: decision.settings, retry: [] },
          ...(descends === undefined ? { need: { kind: "descent", revision, deployed } as const } : {}),
        }),
        origin: async () => ({ ...(await driver().origin(decision)), ...origin }),
      },
    );
  const answer = async () => (await compare()).decision.reason;

  beforeEach(async () => {
    deployed = repository.commit("deployed");
    expect(await answer()).toBe("descends: true");
  });

  it.each([
    ["is gone", ""],
    ["is half removed", "HEAD"],
  ])("is found out again where the mirror %s", async (_, part) => {
    rmSync(join(mirror(), part), { recursive: true });
    expect(await answer()).toBe("descends: true");
  });

  it("waits for the repository where the mirror is gone and that does not answer", async () => {
    rmSync(mirror(), { recursive: true });
    const url = scratch.in("away");
    const { ending } = await compare({ url });
    expect(ending).toMatchObject({ outcome: "failed", stage: "fetch", cause: "network" });
    expect(readState(scratch.in("state")).state).toMatchObject({ outcome: "failed", stage: "fetch", transient: true });
  });
});

it("the keys for a flake's inputs are there for its evaluation, and not afterwards", async () => {
  scratch.fake(
    "nix",
    `cat "$(sed -n 's/^include //p' <<<"$NIX_CONFIG")" >${scratch.in("seen")}; echo /nix/store/x.drv`,
  );
  writeFileSync(scratch.in("token"), "secret-1");
  const keys = [{ place: { host: "github.com", path: "acme" }, file: scratch.in("token") }];
  await run({ once: true, person: true }, { repositoryKeys: () => Promise.resolve(keys) });
  expect(linesOf(scratch.in("seen"))).toEqual(["extra-access-tokens = github.com/acme=secret-1"]);
  expect(existsSync(scratch.in("run/access"))).toBe(false);
});
