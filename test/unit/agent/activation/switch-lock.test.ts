/** The lock of switch-to-configuration, which any user can take. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { withSwitchLock } from "../../../../agent/activation/switch-lock";
import { run } from "../../../../agent/host/process";
import { Scratch } from "../scratch";

let scratch: Scratch;
let file: string;
let holder: ChildProcess | undefined;
beforeEach(() => {
  scratch = new Scratch();
  file = scratch.in("nixos/lock");
  mkdirSync(dirname(file));
  chmodSync(scratch.root, 0o755);
});
afterEach(() => {
  holder?.kill();
  holder = undefined;
  scratch.remove();
});

/** A process that holds the lock. @param words what it is started by */
async function hold(...words: string[]): Promise<void> {
  writeFileSync(file, "", { mode: 0o644 });
  const flock = ["flock", "--shared", "--no-fork", file, "sh", "-c", "echo locked; exec sleep 60"];
  const [program = "", ...args] = [...words, ...flock];
  const started = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  holder = started;
  await once(started.stdout, "data");
}

let tries = 0;
beforeEach(() => (tries = 0));

/** What takes the lock as switch-to-configuration does. */
const lock = async () => {
  tries++;
  return (await run("flock", ["--nonblock", file, "true"])).status === 0 ? "done" : "busy";
};
const end = () => withSwitchLock(lock, (ended) => ended === "busy", file);

it("is taken if it is free", async () => {
  expect([await end(), tries]).toEqual(["done", 1]);
});

it("is left to a process of the same user, which is another switch", async () => {
  await hold();
  expect([await end(), tries]).toEqual(["busy", 1]);
  expect(scratch.log).toBe("");
});

it.skipIf(process.getuid?.() !== 0)("is taken from another user, who cannot take the next one", async () => {
  await hold("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups");
  expect([await end(), tries]).toEqual(["done", 2]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(scratch.log).toContain(`a user holds ${file}`);
});
