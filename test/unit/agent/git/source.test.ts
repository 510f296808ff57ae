/** Which revisions a run deploys that no branch of the repository contains. A real git; the URL is this machine's. */
import fs, { existsSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { afterEach, beforeEach, expect, it } from "vitest";
import { dryRequest } from "../../../../agent/driver";
import { fetchAndVerify, findDescent } from "../../../../agent/git/source";
import type { AgentState } from "../../../../rules/agent-state";
import type { TargetSource } from "../../../../rules/decision/decision";
import { originOf } from "./origin";
import { Repository, Scratch } from "../scratch";
import { standInDecision, standInDriver } from "../stand-in-driver";

let scratch: Scratch;
let head: string;
/** A commit of a pull request. */
let proposed: string;

beforeEach(() => {
  scratch = new Scratch();
  const repository = new Repository(scratch.in("origin"));
  repository.git("config", "uploadpack.allowAnySHA1InWant", "true");
  head = repository.commit("{}");
  repository.git("checkout", "--quiet", "--detach");
  proposed = repository.commit("proposed");
  repository.git("checkout", "--quiet", "main");
  const real = process.env["PATH"]?.replace(/^[^:]*:/, "") ?? "";
  scratch.fake("git", `PATH=${real}; exec git "\${@/#ssh:\\/\\/git.internal/file://${scratch.root}}"`);
});
const { statfsSync } = fs;
afterEach(() => {
  fs.statfsSync = statfsSync;
  syncBuiltinESMExports();
  scratch.remove();
});

const driver = () =>
  standInDriver(scratch, {
    origin: () => Promise.resolve(originOf("ssh://git.internal/origin")),
  });

const deploy = (source: TargetSource, state: AgentState = {}, { minimumFree = 0, dry = true } = {}) =>
  fetchAndVerify(
    driver(),
    { ...dryRequest, dry },
    { ...standInDecision, settings: { ...standInDecision.settings, minimumFree } },
    { state, current: "" },
    { revision: proposed, source, explicit: true, urgent: false },
  );

it.each(["approval", "pin", "override", "branch"] as const)("none by an order of the source %s", async (source) => {
  await expect(deploy(source, { revision: head })).rejects.toMatchObject({
    stage: "fetch",
    cause: "absent",
    message: `cannot fetch from ssh://git.internal/origin: no branch contains ${proposed.slice(0, 7)}`,
  });
});

it("one that a person names on the machine", async () => {
  expect(await deploy("person")).not.toBe("");
});

it.each(["revision", "previous"] as const)("one that is the state's %s", async (field) => {
  expect(await deploy("override", { [field]: proposed })).not.toBe("");
});

it("none to compare the deployed revision with, which itself may be such a one", async () => {
  await expect(findDescent(driver(), standInDecision, proposed, head)).rejects.toMatchObject({ cause: "absent" });
  expect(await findDescent(driver(), standInDecision, head, proposed)).toBe(true);
});

it.each([
  ["is collected", false],
  ["is not collected for a run that only checks", true],
])("garbage %s before the fetch where the disk is full", async (_, dry) => {
  fs.statfsSync = (() => ({ bavail: 0, bfree: 0, bsize: 1, files: 0, ffree: 0 })) as never;
  syncBuiltinESMExports();
  for (const program of ["nix-env", "nix-store"]) scratch.fake(program, `echo >>${scratch.in("deleted")}`);
  await deploy("person", {}, { minimumFree: 64, dry });
  expect(existsSync(scratch.in("deleted"))).toBe(!dry);
});
