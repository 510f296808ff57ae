/** How a system goes back where its boot loader cannot be installed: only if that starts what ran before, or after space is freed. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { StandInMachine } from "./stand-in-machine";

const full = "echo No space left on device; echo Failed to install bootloader; exit 1";
const space = { undo: { stage: "switch", error: "No space left on device", passes: "space" } } as const;

let machine: StandInMachine;

beforeEach(async () => {
  machine = new StandInMachine();
  await machine.generations("A");
  await machine.generationOnTrial("N");
  machine.runs("N");
  machine.system("A", "true", full);
});
afterEach(() => machine.remove());

/** GRUB's menu starts a system by default. */
function bootsByGrub(name: string): void {
  mkdirSync(machine.in("boot/grub"), { recursive: true });
  const entry = (title: string, of: string) =>
    `menuentry "${title}" {\n  linux /kernels/k init=${machine.in(of)}/init quiet\n}\n`;
  const menu = `set default=0\n${entry("Default", name)}submenu "All" {\n${entry("N", "N")}${entry("A", "A")}}\n`;
  writeFileSync(machine.in("boot/grub/grub.cfg"), menu);
  writeFileSync(machine.in("boot-loader"), `${name}\n`);
}

it("goes back, since the boot loader starts what ran before still", async () => {
  bootsByGrub("A");
  expect(await machine.rollBack(machine.trial("N", space))).toEqual({ ok: true });
  expect(machine.facts()).toEqual({ runs: "A", profile: "A", boots: "A", generations: ["A"] });
  expect(machine.log).toContain("the boot loader cannot be installed, but starts");
});

it("goes back also from a system that was only to boot", async () => {
  bootsByGrub("A");
  machine.runs("A");
  expect(await machine.rollBack(machine.trial("N", { mode: "boot", ...space }))).toEqual({ ok: true });
  expect(machine.facts()).toMatchObject({ runs: "A", profile: "A", boots: "A" });
});

it.each([
  ["starts what failed", () => bootsByGrub("N")],
  ["does not say what it starts", () => undefined],
])("has not gone back if the boot loader %s", async (_, boots) => {
  boots();
  expect(await machine.rollBack(machine.trial("N", space))).toMatchObject({ ok: false });
});

it("goes back with the space that the half kernel took", async () => {
  const half = machine.in("boot/kernels/new-bzImage.tmp");
  machine.system("A", "true", `[ ! -e ${half} ] || { ${full}; }`);
  for (const name of ["N", "A"]) {
    mkdirSync(machine.in("boot/kernels"), { recursive: true });
    writeFileSync(half, "half");
    writeFileSync(machine.in("boot/kernels/old-bzImage"), "whole");
    bootsByGrub(name);
    expect(await machine.rollBack(machine.trial("N", space))).toEqual({ ok: true });
    expect(machine.facts()).toMatchObject({ runs: "A", profile: "A", boots: "A" });
    expect(readdirSync(machine.in("boot/kernels"))).toEqual(["old-bzImage"]);
  }
});
