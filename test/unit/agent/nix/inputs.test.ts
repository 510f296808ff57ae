/** The inputs that root keeps for the homes of the config repository, with a stand-in for Nix; with the real one: test/nix/deploy-keys.test.ts. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { CommonDecision } from "../../../../agent/driver";
import { localAccess } from "../../../../agent/git/git";
import { keepInputs } from "../../../../agent/nix/inputs";
import { originOf } from "../git/origin";
import { Scratch } from "../scratch";
import { standInDecision, standInDriver } from "../stand-in-driver";

let scratch: Scratch;
const [first, second] = ["a".repeat(40), "b".repeat(40)];
const homes = [{ user: "alice", attribute: "alice" }];
const deployKeys = { "github.com/acme": "projects/p/secrets/s" };

beforeEach(() => {
  scratch = new Scratch();
  archives(`{"path":"/nix/store/1-source","inputs":{"lib":{"path":"/nix/store/2-source","inputs":{}}}}`);
  scratch.fake("nix-store", `printf '%s ' "$@" >>${scratch.in("linked")}`);
});
afterEach(() => scratch.remove());

const archives = (text: string) => scratch.fake("nix", `printf '%s ' "$@" >>${scratch.in("asked")}; ${says(text)}`);
const says = (text: string) => (text === "" ? "echo 'error: no answer' >&2; exit 1" : `echo '${text}'`);

function keep(revision: string, settings: object = { homes, deployKeys }): Promise<string> {
  const origin = originOf("", { access: localAccess });
  const driver = standInDriver(scratch, { origin: () => Promise.resolve(origin) });
  const decision: CommonDecision = { ...standInDecision, settings: { ...standInDecision.settings, ...settings } };
  return keepInputs(driver, decision, revision, true);
}

const kept = () => readdirSync(scratch.in("state/inputs"));
const read = (name: string) => readFileSync(scratch.in(name), "utf8");

it("are those of the revision, protected from garbage collection", async () => {
  await keep(first, { homes, deployKeys, subdirectory: "infra" });
  // With --no-write-lock-file as well, Nix takes whatever an input that the lock does not have is now.
  expect(read("asked")).toContain("flake archive --json --no-update-lock-file -- ");
  expect(read("asked")).toContain(`?ref=refs/nixos-fleet/${first}&rev=${first}&dir=infra `);
  const link = scratch.in(`state/inputs/${first}/input`);
  expect(read("linked")).toBe(`--realise /nix/store/1-source /nix/store/2-source --add-root ${link} `);
});

it("are fetched once for each revision, and replace those of another", async () => {
  await keep(first);
  await keep(first);
  expect(read("asked").match(/archive/g)).toHaveLength(1);
  await keep(second);
  expect(kept()).toEqual([second]);
});

it("stay as they are where they cannot be fetched, and are tried again", async () => {
  await keep(first);
  archives("");
  await keep(second);
  expect(kept()).toEqual([first]);
  expect(scratch.log).toContain("could not fetch the inputs of the flake for homes: error: no answer");
  archives(`{"path":"/nix/store/1-source","inputs":{}}`);
  await keep(second);
  expect(kept()).toEqual([second]);
});

it("are not there where homes need none of root's", async () => {
  await keep(first);
  await keep(first, { homes });
  expect(existsSync(scratch.in("state/inputs"))).toBe(false);
  expect(read("asked").match(/archive/g)).toHaveLength(1);
});
