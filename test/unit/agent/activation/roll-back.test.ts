/** How a system goes back to what ran before, what the next boot starts then, and which boot passed a system over. */
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { SystemDecision } from "../../../../rules/decision/decide-system";
import { finishTrial } from "../../../../agent/activation/activation";
import { setProfile } from "../../../../agent/nix/profile";
import { resolved } from "../../../../agent/host/files";
import { MetadataServer } from "../../../../agent/metadata-server";
import { writeState, type Trial } from "../../../../agent/state";
import { SystemDriver } from "../../../../agent/system/system";
import { systemPlace } from "../../../../agent/system/system-place";
import { Scratch } from "../scratch";

const links = { current: "", booted: "" };
let scratch: Scratch;
let driver: SystemDriver;

beforeEach(() => {
  scratch = new Scratch();
  links.current = scratch.in("current");
  links.booted = scratch.in("booted");
  const [profile, stateFolder, runFolder] = [scratch.in("profile"), scratch.in("state"), scratch.in("run")];
  driver = new SystemDriver({ ...systemPlace(), profile, stateFolder, runFolder }, new MetadataServer(), {
    boot: scratch.in("boot"),
  });
  vi.spyOn(driver, "current").mockImplementation(() => resolved(links.current) ?? "");
  vi.spyOn(driver, "booted").mockImplementation(() => resolved(links.booted));
  scratch.fake("systemd-inhibit", "exit 1");
  scratch.fake(
    "nix-env",
    `case $3 in
    --set) to=profile-$(($(ls -d $2-*-link 2>/dev/null | wc -l) + 1))-link; ln -s "$4" ${scratch.root}/$to ;;
    --switch-generation) to=profile-$4-link ;;
    esac
    ln -sfn $to $2`,
  );
  for (const name of ["A", "W", "N"]) system(name);
  runs("A");
  boots("A");
});
afterEach(() => scratch.remove());

/**
 * @param check what its pre-switch checks do
 * @param install how its installation of the boot loader begins
 */
function system(name: string, check = "true", install = "true"): void {
  mkdirSync(scratch.in(`${name}/bin`), { recursive: true });
  scratch.fake(
    `../${name}/bin/switch-to-configuration`,
    `case $1 in check) ${check}; exit ;; esac
    case $1 in boot | switch) ${install}; echo ${name} >${scratch.in("boot-loader")} ;; esac
    case $1 in test | switch) ln -sfn ${scratch.in(name)} ${links.current} ;; esac`,
  );
}

/** V is a specialisation of the system. */
function specialise(name: string): void {
  system("V");
  mkdirSync(scratch.in(`${name}/specialisation`));
  symlinkSync(scratch.in("V"), scratch.in(`${name}/specialisation/gaming`));
}

function link(to: string, name: string): void {
  rmSync(to, { force: true });
  symlinkSync(scratch.in(name), to);
}
const runs = (name: string) => link(links.current, name);
const boots = (name: string) => link(links.booted, name);

const deployed = (name: string) => ({ revision: name, deployed: scratch.in(name) });

const trial = (name: string, more: Partial<Trial> = {}): Trial => ({
  ...{ path: scratch.in(name), revision: name, lock: "", mode: "switch", boot: driver.boot(), former: scratch.in("A") },
  ...{ before: { failed: [], reached: {} }, restores: deployed("A"), ...more },
});

/** The profile gets these generations. The last of them counts as deployed. */
async function generations(...names: string[]): Promise<void> {
  for (const name of names) await setProfile(scratch.in("profile"), scratch.in(name));
  writeState(scratch.in("state"), deployed(names.at(-1) ?? ""), false);
}

const rollBack = (of: Trial, unchanged = false) => driver.rollBack(of, {} as SystemDecision, unchanged);

const nameOf = (link: string) => basename(resolved(link) ?? "");
const left = () =>
  readdirSync(scratch.root)
    .filter((name) => name.endsWith("-link"))
    .map((name) => nameOf(scratch.in(name)));
const facts = () => ({
  ...{ runs: nameOf(links.current), profile: nameOf(scratch.in("profile")), generations: left() },
  boots: readFileSync(scratch.in("boot-loader"), "utf8").trim(),
});

it("goes back to what was deployed, and drops the generation that failed", async () => {
  await generations("A");
  await setProfile(scratch.in("profile"), scratch.in("N"));
  runs("N");
  expect(await rollBack(trial("N"))).toEqual({ ok: true });
  expect(facts()).toEqual({ runs: "A", profile: "A", boots: "A", generations: ["A"] });
});

it("goes back by the boot loader alone from a system that never ran", async () => {
  await generations("A", "N");
  system("A", "exit 1");
  expect(await rollBack(trial("N", { mode: "boot" }))).toEqual({ ok: true });
  expect(facts()).toEqual({ runs: "A", profile: "A", boots: "A", generations: ["A"] });
});

it("leaves the way back of one that its pre-switch checks refuse to the next boot", async () => {
  await generations("A");
  runs("N");
  system("A", "exit 1");
  expect(await rollBack(trial("N"))).toEqual({ ok: false, awaitsBoot: true });
  expect(facts()).toMatchObject({ runs: "N", profile: "A", boots: "A" });
});

it("reports that it needs a reboot, and has gone back after that", async () => {
  await generations("A");
  runs("N");
  system("A", "exit 1");
  const failed = trial("N", { undo: { stage: "health", error: "web.service failed" } });
  const finish = () => finishTrial({ driver, decision: {} as SystemDecision }, failed);
  const why = "what ran before runs only after a reboot";
  for (let run = 0; run < 2; run++) {
    const ending = await finish();
    expect(ending).toMatchObject({ outcome: "failed", stage: "health", rolledBack: false, refuse: "N", reboot: true });
    expect(ending).toMatchObject({ error: `web.service failed\n${why}`, retry: why });
    expect(ending.trialOver).toBeUndefined();
  }
  // The timer of reboots asks without an ending.
  const needsReboot = () => driver.needsReboot({ outcome: "unchanged", rolledBack: false });
  expect(await needsReboot()).toBe(true);

  vi.spyOn(driver, "boot").mockReturnValue("the next one");
  runs("A");
  expect(await needsReboot()).toBe(false);
  expect(await finish()).toMatchObject({ outcome: "failed", rolledBack: true, refuse: "N", trialOver: {} });
});

const locked = "echo Could not acquire lock; exit 11";

it("is not done while another switch runs, whatever the pre-switch checks would say", async () => {
  await generations("A");
  runs("N");
  system("A", locked);
  expect(await rollBack(trial("N"))).toEqual({ ok: false, error: "another switch-to-configuration is running" });
});

it("knows how to activate a system only when no other switch runs", async () => {
  system("N", locked);
  const busy = { stage: "switch", cause: "busy", message: "another switch-to-configuration is running" };
  await expect(driver.mode(scratch.in("N"))).rejects.toMatchObject(busy);
});

describe("where the boot loader cannot be installed", () => {
  const full = "echo No space left on device; echo Failed to install bootloader; exit 1";
  const space = { undo: { stage: "switch", error: "No space left on device", passes: "space" } } as const;

  /** GRUB's menu starts a system by default. */
  function bootsByGrub(name: string): void {
    mkdirSync(scratch.in("boot/grub"), { recursive: true });
    const entry = (title: string, of: string) =>
      `menuentry "${title}" {\n  linux /kernels/k init=${scratch.in(of)}/init quiet\n}\n`;
    const menu = `set default=0\n${entry("Default", name)}submenu "All" {\n${entry("N", "N")}${entry("A", "A")}}\n`;
    writeFileSync(scratch.in("boot/grub/grub.cfg"), menu);
    writeFileSync(scratch.in("boot-loader"), `${name}\n`);
  }

  beforeEach(async () => {
    await generations("A");
    await setProfile(scratch.in("profile"), scratch.in("N"));
    runs("N");
    system("A", "true", full);
  });

  it("goes back, since the boot loader starts what ran before still", async () => {
    bootsByGrub("A");
    expect(await rollBack(trial("N", space))).toEqual({ ok: true });
    expect(facts()).toEqual({ runs: "A", profile: "A", boots: "A", generations: ["A"] });
    expect(scratch.log).toContain("the boot loader cannot be installed, but starts");
  });

  it("goes back also from a system that was only to boot", async () => {
    bootsByGrub("A");
    runs("A");
    expect(await rollBack(trial("N", { mode: "boot", ...space }))).toEqual({ ok: true });
    expect(facts()).toMatchObject({ runs: "A", profile: "A", boots: "A" });
  });

  it.each([
    ["starts what failed", () => bootsByGrub("N")],
    ["does not say what it starts", () => undefined],
  ])("has not gone back if the boot loader %s", async (_, boots) => {
    boots();
    expect(await rollBack(trial("N", space))).toMatchObject({ ok: false });
  });

  it("goes back with the space that the half kernel took", async () => {
    const half = scratch.in("boot/kernels/new-bzImage.tmp");
    system("A", "true", `[ ! -e ${half} ] || { ${full}; }`);
    for (const name of ["N", "A"]) {
      mkdirSync(scratch.in("boot/kernels"), { recursive: true });
      writeFileSync(half, "half");
      writeFileSync(scratch.in("boot/kernels/old-bzImage"), "whole");
      bootsByGrub(name);
      expect(await rollBack(trial("N", space))).toEqual({ ok: true });
      expect(facts()).toMatchObject({ runs: "A", profile: "A", boots: "A" });
      expect(readdirSync(scratch.in("boot/kernels"))).toEqual(["old-bzImage"]);
    }
  });
});

const waits = (more: Partial<Trial> = {}) => trial("W", { mode: "boot", since: "2026-01-01T00:00:00Z", ...more });

it("goes back to what ran while another system waits for its boot, which it still gets", async () => {
  await generations("A", "W");
  runs("N");
  expect(await rollBack(trial("N", { replaces: waits() }))).toEqual({ ok: true });
  expect(facts()).toEqual({ runs: "A", profile: "W", boots: "W", generations: ["A", "W"] });
});

it("goes back to what ran also by the trial of an agent that did not record what was deployed", async () => {
  await generations("A", "W");
  runs("N");
  const { restores: _, ...older } = trial("N", { replaces: waits() });
  expect(await rollBack(older)).toEqual({ ok: true });
  expect(facts()).toMatchObject({ runs: "A", profile: "W", boots: "W" });
});

it("is not done while what failed still runs and another system waits for its boot", async () => {
  await generations("A", "W");
  runs("N");
  system("A", "exit 1");
  expect(await rollBack(trial("N", { replaces: waits() }))).toEqual({ ok: false });
  expect(facts()).toMatchObject({ runs: "N", profile: "W", boots: "W" });
});

it("stays on what runs if that failed on the way back from a system that waits for its boot", async () => {
  await generations("A", "W");
  expect(await rollBack(trial("A", { replaces: waits() }))).toEqual({ ok: true });
  expect(facts()).toEqual({ runs: "A", profile: "W", boots: "W", generations: ["A", "W"] });
});

it("keeps the generation of what ran before and failed when it was deployed again", async () => {
  await generations("A");
  expect(await rollBack(trial("A"))).toEqual({ ok: true });
  expect(facts()).toEqual({ runs: "A", profile: "A", boots: "A", generations: ["A"] });
});

it("goes back to a system that runs already and waits for its boot", async () => {
  await generations("A", "W");
  runs("N");
  const replaces = waits({ kept: true });
  expect(await rollBack(trial("N", { former: scratch.in("W"), restores: deployed("W"), replaces }))).toEqual({
    ok: true,
  });
  expect(facts()).toEqual({ runs: "W", profile: "W", boots: "W", generations: ["A", "W"] });
});

it("goes back to what a boot has started meanwhile", async () => {
  await generations("A", "W");
  runs("W");
  expect(await rollBack(trial("N", { replaces: waits({ boot: "an earlier one" }) }))).toEqual({ ok: true });
  expect(facts()).toEqual({ runs: "W", profile: "W", boots: "W", generations: ["A", "W"] });
});

it("only sets the profile where the switch changed nothing", async () => {
  await generations("A", "W");
  expect(await rollBack(trial("N", { replaces: waits() }), true)).toEqual({ ok: true });
  expect(nameOf(scratch.in("profile"))).toBe("W");
});

/** What the first run after a boot makes of a trial from before it. */
const finish = (of: Trial) =>
  finishTrial({ driver, decision: {} as SystemDecision }, { ...of, boot: "an earlier one" });

it("goes back from a system that should have booted, if the machine booted what ran before", async () => {
  await generations("A", "W");
  expect(await finish(waits())).toMatchObject({
    ...{ outcome: "failed", stage: "switch", error: "the machine booted another system instead" },
    ...{ rolledBack: true, refuse: "W", restores: deployed("A") },
  });
  expect(facts()).toEqual({ runs: "A", profile: "A", boots: "A", generations: ["A"] });
});

it.each([
  ["someone set another one for the boot", async () => (await generations("N"), waits())],
  ["the power was cut before it was set for the boot", () => trial("W", { mode: "boot" })],
  ["it booted and someone switched to another one", () => (boots("W"), waits())],
  [
    "a specialisation of it booted and someone switched from it",
    () => {
      specialise("W");
      boots("V");
      return waits();
    },
  ],
  ["what booted is unknown", () => (rmSync(links.booted), waits())],
])("does not go back from a system that waited for its boot where %s", async (_, happens) => {
  await generations("A", "W");
  expect(await finish(await happens())).toMatchObject({ outcome: "deferred", rolledBack: false });
});

describe("a specialisation of the deployed system that runs", () => {
  beforeEach(async () => {
    await generations("A");
    specialise("A");
    runs("V");
    boots("V");
    writeFileSync(scratch.in("V/kernel-params"), "mitigations=off");
    writeFileSync(scratch.in("A/kernel-params"), "quiet");
  });

  it("counts as that system, so that no run switches out of it", async () => {
    const none = { attributes: undefined, name: undefined, instance: undefined };
    vi.spyOn(driver.metadata, "answers").mockResolvedValue(none);
    expect((await driver.observe(1)).drifted).toBe(false);
    expect(driver.isCurrent(scratch.in("A"))).toBe(true);
    expect(driver.isCurrent(scratch.in("N"))).toBe(false);
    runs("N");
    expect((await driver.observe(1)).drifted).toBe(true);
  });

  it("needs no reboot", async () => {
    expect(driver.awaitsBoot(scratch.in("A"))).toBe(false);
    expect(driver.awaitsBoot(scratch.in("N"))).toBe(true);
    expect(await driver.needsReboot({ outcome: "unchanged", rolledBack: false })).toBe(false);
  });

  it("stays where a system goes that was only to boot", async () => {
    expect(await rollBack(trial("N", { mode: "boot" }))).toEqual({ ok: true });
    expect(facts()).toMatchObject({ runs: "V", profile: "A", boots: "A" });
  });

  it("came up if that system waited for its boot, whose health then counts", async () => {
    vi.spyOn(driver, "healthError").mockResolvedValue(undefined);
    const ending = await finish(trial("A", { mode: "boot", since: "2026-01-01T00:00:00Z", former: scratch.in("N") }));
    // What is deployed is not the specialisation.
    expect(ending).toMatchObject({ outcome: "updated", revision: "A", deployed: scratch.in("A"), trialOver: {} });
  });
});
