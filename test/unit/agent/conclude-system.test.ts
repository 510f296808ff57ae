/** What homes read at the end of each of the machine's runs: the file that root writes for them. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { dryRequest } from "../../../agent/driver";
import type { Ending } from "../../../agent/ending";
import { localAccess } from "../../../agent/git/git";
import { concludeSystem } from "../../../agent/system/conclude-system";
import type { SystemParts, SystemSituation } from "../../../agent/system/system-situation";
import { type Decision, held, refuse, stay } from "../../../rules/decision/decision";
import type { HomesFile } from "../../../rules/decision/decide-home";
import type { Metadata } from "../../../rules/metadata";
import { Scratch } from "./scratch";
import { standInPlace } from "./stand-in-driver";

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
});
afterEach(() => scratch.remove());

const revision = "a".repeat(40);
const none: Metadata = { kind: "none" };
const homes = [{ user: "alice", attribute: "alice" }];
const file = () => scratch.in("run/homes.json");
const written = (): HomesFile | undefined =>
  existsSync(file()) ? (JSON.parse(readFileSync(file(), "utf8")) as HomesFile) : undefined;

/** Ends a run that decided this. */
async function conclude(decision: Decision, metadata = none, deployed = revision, more = {}): Promise<void> {
  const origin = () => Promise.resolve({ url: "", access: localAccess });
  const parts = { origin, repositoryKeys: () => Promise.resolve([]) };
  const driver = { place: standInPlace(scratch), repository: () => "", ...parts } as unknown as SystemParts;
  const settings = { ...more, host: "dev", branch: "main", directory: scratch.root, follow: "branch" as const, homes };
  const { outcome, rolledBack } = decision;
  const ending: Ending = { outcome, rolledBack };
  await concludeSystem(driver, {
    situation: { metadata, joined: true } as SystemSituation,
    decision: { ...decision, settings, retry: [], notes: [] },
    request: { ...dryRequest, right: "head" },
    ending,
    state: { revision: deployed, lock: "digest", outcome, at: "2026-01-01T00:00:00Z" },
  });
}

const carols = held({ by: "carol", why: "demo at 3" });
const refused = refuse("held by a gate", { revision: "b".repeat(40), error: "boom", rolledBack: true, at: "" });

it.each<[string, Decision]>([
  ["is held", carols],
  ["refuses a revision", refused],
  ["waits", { ...stay("deferred", "built; waiting for the window"), waiting: { for: "window" } }],
])("after a boot homes learn what a machine runs that %s", async (_, decision) => {
  await conclude(decision);
  expect(written()).toMatchObject({ revision, lock: "digest", homes, right: "head" });
});

it("they learn nothing before the machine knows anything, or after it has left its fleet", async () => {
  await conclude(carols, { kind: "away", problem: "no answer" });
  await conclude(stay("failed", "no network"), none, "");
  await conclude(stay("deferred", "left"), { kind: "absent", vm: "dev" });
  expect(written()).toBeUndefined();
});

it("users without a home here lose the lingering that the agent enabled", async () => {
  scratch.fake("loginctl", `echo "$*" >>${scratch.in("did")}`);
  mkdirSync(scratch.in("state/lingering"));
  for (const user of ["alice", "leaver"]) writeFileSync(scratch.in(`state/lingering/${user}`), "");
  await conclude(stay("unchanged", "running it"));
  expect(readFileSync(scratch.in("did"), "utf8")).toBe("disable-linger leaver\n");
});

it("a run that refuses a revision leaves their file as it is once they know what runs", async () => {
  await conclude(stay("unchanged", "running it"));
  rmSync(file());
  await conclude(refused);
  const first = readFileSync(file(), "utf8");
  const changed = { ...refused, reason: "another" };
  await conclude(changed, none, "c".repeat(40));
  expect(readFileSync(file(), "utf8")).toBe(first);
});

it("a hold of the machine is theirs too, until the first run that finds none", async () => {
  await conclude(stay("unchanged", "running it"));
  expect(written()).not.toHaveProperty("held");
  await conclude(carols);
  expect(written()).toMatchObject({ held: "held by carol: demo at 3" });
  await conclude(carols, { kind: "away", problem: "no answer" });
  expect(written()).toMatchObject({ held: "held by carol: demo at 3" });
  await conclude(refused);
  expect(written()).not.toHaveProperty("held");
  await conclude(carols);
  await conclude(stay("unchanged", "running it"));
  expect(written()).not.toHaveProperty("held");
});

it("homes do not wait again for inputs that could not be fetched, and root goes on trying", async () => {
  // What homes know at each try.
  scratch.fake("nix", `{ cat ${file()} 2>/dev/null || echo nothing; echo; } >>${scratch.in("tries")}; exit 1`);
  const tries = () =>
    (readFileSync(scratch.in("tries"), "utf8").match(/nothing|"revision":"\w/g) ?? []).map((one) => one.at(-1));
  const deployKeys = { "github.com/acme": "projects/p/secrets/s" };
  const end = (deployed: string) => conclude(stay("unchanged", "running it"), none, deployed, { deployKeys });
  await end(revision);
  expect(tries()).toEqual(["g", "a"]);
  await end(revision);
  expect(tries()).toEqual(["g", "a", "a"]);
  await end("b".repeat(40));
  expect(tries()).toEqual(["g", "a", "a", "a", "b"]);
  expect(written()).toMatchObject({ revision: "b".repeat(40) });
});

it("homes start again when their inputs have come after all", async () => {
  const archived = `echo '{"path":"/nix/store/1-source","inputs":{}}'`;
  scratch.fake("nix", `[ -e ${file()} ] && { rm ${file()}; ${archived}; exit; }; exit 1`);
  scratch.fake("nix-store", "true");
  const deployKeys = { "github.com/acme": "projects/p/secrets/s" };
  await conclude(stay("unchanged", "running it"), none, revision, { deployKeys });
  expect(existsSync(scratch.in(`state/inputs/${revision}/complete`))).toBe(true);
  expect(written()).toMatchObject({ revision });
});
