/** The watcher's script, run by a real sh: how often it asks a server that behaves badly, and how often it starts the agent. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { contract } from "../../../rules/contract";
import { until } from "../../setup/until";
import { Scratch } from "./scratch";

let scratch: Scratch;
let watcher: ChildProcess;
beforeEach(() => {
  scratch = new Scratch();
  const script = readFileSync(resolve(__dirname, "../../../agent/watch.sh"), "utf8");
  const here = script.replace("run=/run/nixos-auto-update\n", `run=${scratch.in("run")}\n`);
  writeFileSync(scratch.in("watch.sh"), here.replace("/proc/uptime", scratch.in("uptime")));
  writeFileSync(scratch.in("uptime"), "100.52 180.10\n");
  scratch.fake("systemctl", `echo "$@" >>${scratch.in("started")}; rm -f ${scratch.in("run/asked")}/*`);
  scratch.fake("agent", `echo "$@" >>${scratch.in("looks")}`);
});
afterEach(() => {
  stop();
  scratch.remove();
});

function stop(): void {
  if (watcher.pid !== undefined) process.kill(-watcher.pid, "SIGKILL");
}

/** Puts a curl on PATH that gives these answers about the project, and says how often it was asked; the VM's own item is in a file. */
const server = (answer: string) =>
  scratch.fake(
    "curl",
    `case \${!#} in */instance/attributes/${contract.instanceMetadata.key}) cat ${scratch.in("own")} 2>/dev/null; exit ;; esac
     echo x >>${scratch.in("asked")}
     while [ $# -gt 1 ]; do [ "$1" != --output ] || out=$2; shift; done
     n=$(wc -l <${scratch.in("asked")})
     ${answer}`,
  );

const lines = (name: string) =>
  existsSync(scratch.in(name)) ? readFileSync(scratch.in(name), "utf8").split("\n").length - 1 : 0;

function start(): void {
  const said = openSync(scratch.in("said"), "w");
  watcher = spawn("sh", [scratch.in("watch.sh"), "agent"], { detached: true, stdio: ["ignore", "ignore", said] });
  closeSync(said);
}

async function watch(seconds: number): Promise<void> {
  start();
  await sleep(seconds * 1000);
}

/** The third request comes after the second answer was judged. */
const hasAsked = () => until("it has asked three times", 10, () => lines("asked") >= 3);

describe("a server that answers at once", () => {
  it.each([
    ["with an empty body", ': >"$out"; printf etag'],
    ["without an ETag", 'echo {} >"$out"'],
    ["with an error", "exit 22"],
    ["with the same, whatever it was asked to wait for", 'echo {} >"$out"; printf etag'],
  ])("%s is asked at most once a second, and less and less often", async (_, answer) => {
    server(answer);
    await watch(5);
    expect(lines("asked")).toBeGreaterThanOrEqual(1);
    expect(lines("asked")).toBeLessThanOrEqual(4);
    expect(lines("looks")).toBeLessThanOrEqual(1);
  });

  it("with something new each time starts the agent at most once a second", async () => {
    server('echo "{$n}" >"$out"; printf "etag-$n"');
    await watch(5);
    expect(lines("looks")).toBeGreaterThanOrEqual(2);
    expect(lines("looks")).toBeLessThanOrEqual(6);
  });
});

it("says once in each outage that the server does not answer", async () => {
  scratch.fake("sleep", "command -p sleep 0.01");
  server('[ "$n" -eq 20 ] || exit 22; echo {} >"$out"; printf etag');
  start();
  await until("it has asked often in two outages", 30, () => lines("asked") > 45);
  expect(readFileSync(scratch.in("said"), "utf8")).toBe(
    "the metadata server does not answer; still trying\n".repeat(2),
  );
});

it("starts the service for a request that the agent has written", async () => {
  server('[ "$n" -gt 1 ] && sleep 60; echo {} >"$out"; printf etag');
  scratch.fake("agent", `mkdir -p ${scratch.in("run/asked")}; echo 'watch x' >${scratch.in("run/asked/1")}`);
  await watch(3);
  expect(readFileSync(scratch.in("started"), "utf8")).toBe("start nixos-auto-update.service\n");
});

it("looks an hour after the last time although nothing has changed", async () => {
  server('echo {} >"$out"; printf etag');
  start();
  await hasAsked();
  expect(lines("looks")).toBe(1);
  writeFileSync(scratch.in("uptime"), "3700.52 7000.10\n");
  await until("it looks again", 15, () => lines("looks") === 2);
});

it("looks after a request that waited if the VM's own item has changed, such as its wave", async () => {
  writeFileSync(scratch.in("own"), '{"wave":"canary"}');
  // Every request but the first waits for 10 seconds by the script's clock.
  server(`[ "$n" -eq 1 ] || echo "$((100 + n * 10)).0 1" >${scratch.in("uptime")}; echo {} >"$out"; printf etag`);
  start();
  await hasAsked();
  expect(lines("looks")).toBe(1);
  writeFileSync(scratch.in("own"), '{"wave":"rest"}');
  await until("it looks again", 10, () => lines("looks") === 2);
});

it("does not look again at what it has seen when it is started again, as by a switch, and looks at what has changed", async () => {
  server(`cat ${scratch.in("project")} >"$out"; printf etag`);
  writeFileSync(scratch.in("project"), "{}");
  start();
  await hasAsked();
  stop();
  writeFileSync(scratch.in("run/watch-baseline"), "{}");
  start();
  await until("it has asked again", 10, () => lines("asked") >= 5);
  expect(lines("looks")).toBe(1);
  stop();
  writeFileSync(scratch.in("project"), '{"approved": 1}');
  start();
  await until("it looks again", 10, () => lines("looks") === 2);
});

it("looks when it is started again and the agent has nothing to compare with", async () => {
  server('echo {} >"$out"; printf etag');
  start();
  await hasAsked();
  stop();
  start();
  await until("it looks again", 10, () => lines("looks") === 2);
});

it("looks again soon where the agent did not get its answers", async () => {
  server('[ "$n" -gt 2 ] && sleep 60; echo {} >"$out"; printf etag');
  scratch.fake("agent", `echo x >>${scratch.in("looks")}; exit 1`);
  await watch(6);
  expect(lines("looks")).toBe(2);
});
