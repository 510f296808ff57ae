/** The lock of an update, in a folder where anybody may put anything. */
import { execFileSync, spawn } from "node:child_process";
import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { acquireLock, isLocked, lockHolder, type Lock } from "../../../agent/lock";
import { Scratch } from "./scratch";

let scratch: Scratch;
const held: Lock[] = [];
beforeEach(() => {
  scratch = new Scratch();
});
afterEach(() => {
  for (const lock of held.splice(0)) lock.release();
  scratch.remove();
});

const file = () => scratch.in("lock");
async function take(who: string): Promise<Lock> {
  const lock = await acquireLock(file(), who);
  held.push(lock);
  return lock;
}
const release = (lock: Lock) => {
  held.splice(held.indexOf(lock), 1);
  lock.release();
};

it("says who holds it, and is free when that has ended", async () => {
  const lock = await take("alice");
  expect(lockHolder(file())).toMatch(/^alice, pid \d+, since \S+Z$/);
  expect(await isLocked(file())).toBe(true);
  release(lock);
  expect(await isLocked(file())).toBe(false);
});

it("is taken although a dead run's name is in it", async () => {
  writeFileSync(file(), "watch by nobody, pid 1, since 1999\n");
  await take("alice");
  expect(lockHolder(file())).toMatch(/^alice, /);
  expect(scratch.log).toBe("");
});

it("has the second wait, who says for whom, and ends its wait when the first dies", async () => {
  const first = spawn("flock", [
    "--no-fork",
    file(),
    "sh",
    "-c",
    `echo "first, pid 1" >${file()}; echo held; exec sleep 60`,
  ]);
  await new Promise((resolve) => first.stdout.once("data", resolve));
  const second = take("second");
  for (let tries = 0; !scratch.log.includes("waiting") && tries < 200; tries++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  expect(scratch.log).toContain("waiting: an update is running (first, pid 1)");
  first.kill("SIGKILL");
  await second;
  expect(scratch.log).toContain("the other update has ended; deciding again");
  expect(lockHolder(file())).toMatch(/^second, /);
});

it("never writes where a link leads", async () => {
  writeFileSync(scratch.in("precious"), "kept");
  symlinkSync(scratch.in("precious"), file());
  await take("alice");
  expect(readFileSync(scratch.in("precious"), "utf8")).toBe("kept");
  expect(lstatSync(file()).isFile()).toBe(true);
});

it.each(["folder", "pipe"])("replaces a %s", async (kind) => {
  if (kind === "folder") mkdirSync(scratch.in("lock/inner"), { recursive: true });
  else execFileSync("mkfifo", [file()]);
  await take("alice");
  expect(lstatSync(file()).isFile()).toBe(true);
});

it("is read by its owner alone, since who can read it can hold it", async () => {
  await take("alice");
  expect(lstatSync(file()).mode & 0o777).toBe(0o600);
});
