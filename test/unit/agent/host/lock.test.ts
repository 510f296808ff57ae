/** The agents' lock, in a folder where anyone may put anything. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { acquireLock, lockHolder } from "../../../../agent/host/lock";
import { until } from "../../../setup/until";
import { Scratch } from "../scratch";

let scratch: Scratch;
beforeEach(() => (scratch = new Scratch()));
afterEach(() => scratch.remove());

const take = (who = "a test") => acquireLock(scratch.in("lock"), who);
const isFree = () => spawnSync("flock", ["--nonblock", "--shared", scratch.in("lock"), "true"]).status === 0;
const text = () => readFileSync(scratch.in("lock"), "utf8");

describe("the lock", () => {
  it("says who holds it, until it is released", async () => {
    const lock = await take();
    expect(text()).toMatch(/^a test, pid \d+, since /);
    expect(lockHolder(scratch.in("lock"))).toMatch(/^a test, pid \d+, since \S+Z$/);
    expect(isFree()).toBe(false);
    lock.release();
    expect(isFree()).toBe(true);
  });

  it("is taken although a dead run's name is in it", async () => {
    writeFileSync(scratch.in("lock"), "watch by alice, pid 1, since 1999\n".repeat(10));
    (await take()).release();
    expect(text()).toMatch(/^a test, pid \d+, since \S+\n$/);
    expect(scratch.log).toBe("");
  });

  it("has the second wait, who says for whom", async () => {
    const order: string[] = [];
    const first = await take("first");
    const second = take("second").then((lock) => {
      order.push("second in");
      lock.release();
    });
    await until("the second waits", 10, () => scratch.log.includes("waiting: an update is running (first, pid"));
    order.push("first out");
    first.release();
    await second;
    expect(order).toEqual(["first out", "second in"]);
    expect(scratch.log).toContain("the other update has ended; deciding again");
  });

  it("ends the wait when the first dies", async () => {
    const file = scratch.in("lock");
    const holds = `echo "first, pid 1" >${file}; echo held; exec sleep 60`;
    const first = spawn("flock", ["--no-fork", file, "sh", "-c", holds]);
    await new Promise((resolve) => first.stdout.once("data", resolve));
    const second = take("second");
    await until("the second waits", 10, () => scratch.log.includes("waiting: an update is running (first, pid 1)"));
    first.kill("SIGKILL");
    const lock = await second;
    expect(scratch.log).toContain("the other update has ended; deciding again");
    expect(lockHolder(file)).toMatch(/^second, /);
    lock.release();
  });

  it("is waited for as long as the service may run", async () => {
    scratch.fake("flock", `echo "$@" >>${scratch.in("flocks")}; exit 1`);
    await expect(take()).rejects.toThrow("gave up waiting for the other update");
    const [, hours = ""] = /TimeoutStartSec = "(\d+)h"/.exec(readFileSync("nix/lib/units.nix", "utf8")) ?? [];
    expect(readFileSync(scratch.in("flocks"), "utf8")).toContain(`--timeout ${Number(hours) * 3600} 3\n`);
  });

  it("is read by its owner alone, since who can read it can hold it", async () => {
    (await take()).release();
    expect(lstatSync(scratch.in("lock")).mode & 0o777).toBe(0o600);
  });

  it("never writes where a link leads", async () => {
    writeFileSync(scratch.in("precious"), "kept");
    symlinkSync(scratch.in("precious"), scratch.in("lock"));
    (await take()).release();
    expect(readFileSync(scratch.in("precious"), "utf8")).toBe("kept");
    expect(lstatSync(scratch.in("lock")).isFile()).toBe(true);
  });

  it.each(["folder", "pipe"])("replaces a %s", async (kind) => {
    if (kind === "folder") mkdirSync(scratch.in("lock/inner"), { recursive: true });
    else execFileSync("mkfifo", [scratch.in("lock")]);
    (await take()).release();
    expect(lstatSync(scratch.in("lock")).isFile()).toBe(true);
  });
});
