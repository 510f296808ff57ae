import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loginArguments, terminalName } from "../../../rules/login";
import { serialLines } from "../../../cli/commands/logs";
import { environmentOf, FakeCompute } from "./google/fake-compute";
import { good } from "./fleet-samples";
import { runFleet } from "./run-fleet";

let fake: FakeCompute;
let endpoint: string;
let directory: string;
beforeEach(async () => {
  fake = new FakeCompute();
  endpoint = await fake.start();
  const labels = { "nixos-fleet": "devs", "nixos-fleet-stack": "dev" };
  fake.instances = [
    { name: "dev-alice", zone: "europe-west1-b", labels },
    { name: "dev-bob", zone: "europe-west1-b", labels, status: "TERMINATED" },
  ];
  directory = mkdtempSync(join(tmpdir(), "fleet-login-"));
  const gcloud = `#!/bin/sh\nprintf '%s\\n' "$TERM" "$@" >"${directory}/asked"\nexit 7\n`;
  writeFileSync(join(directory, "gcloud"), gcloud, { mode: 0o755 });
});
afterEach(async () => {
  await fake.stop();
  rmSync(directory, { recursive: true });
});

const run = (args: string[], env: NodeJS.ProcessEnv = {}) =>
  runFleet(args, {
    ...environmentOf(endpoint),
    PATH: `${directory}:/usr/bin:/bin`,
    ...env,
  });
const asked = () => readFileSync(join(directory, "asked"), "utf8").trim().split("\n");

describe("fleet ssh", () => {
  it("goes through the proxy with the VM's project and zone, and ends as the command there", async () => {
    const { code, err } = await run(["ssh", "dev-alice", "--", "uptime", "-p"], { TERM: "xterm-kitty" });
    expect([code, err]).toEqual([7, []]);
    expect(asked()).toEqual([
      ...["xterm-256color", "compute", "ssh", "dev-alice", "--project=p", "--zone=europe-west1-b"],
      ...["--tunnel-through-iap", "--command=uptime -p"],
    ]);
  });

  it("opens a shell where there is no command, and has a command get a terminal from one", () => {
    const login = { project: "p", zone: "z", isDirect: true, hasTerminal: true };
    expect(loginArguments("vm", { ...login, user: "eve", command: [] }).slice(2)).toEqual([
      ...["eve@vm", "--project=p", "--zone=z", "--internal-ip"],
    ]);
    expect(loginArguments("vm", { ...login, command: ["htop"] }).at(-1)).toBe("--ssh-flag=-t");
    expect([terminalName("tmux-256color"), terminalName(undefined)]).toEqual(["tmux-256color", "xterm-256color"]);
  });

  it("says how to start a VM that does not run, and where gcloud is absent", async () => {
    const stopped = await run(["ssh", "dev-bob"]);
    expect([stopped.code, stopped.err]).toEqual([
      1,
      [
        "dev-bob is TERMINATED; gcloud compute instances start dev-bob --zone=europe-west1-b --project=p starts it [NF209]",
      ],
    ]);
    const absent = await run(["ssh", "dev-alice"], { PATH: "/nonexistent" });
    expect([absent.code, absent.err]).toEqual([1, ["gcloud is not on PATH; install the Google Cloud SDK [NF207]"]]);
  });
});

describe("fleet logs", () => {
  it("shows what Cloud Logging has, oldest first, with the reason of a failure", async () => {
    const entry = (timestamp: string, message: string, report: object) => ({
      timestamp,
      labels: {},
      jsonPayload: { vm: "dev-alice", event: "run", message, report },
    });
    fake.logged.push(
      entry("2026-06-01T10:00:00Z", "updated", { revision: good }),
      entry("2026-06-01T11:00:00Z", "failed at build", { revision: good, error: "hash mismatch" }),
    );
    const { code, out, err } = await run(["logs", "dev-alice"]);
    expect([code, err]).toEqual([0, ["dev-alice: from Cloud Logging"]]);
    expect(out).toEqual([
      "2026-06-01T10:00:00Z bbbbbbb updated",
      "2026-06-01T11:00:00Z bbbbbbb failed at build: hash mismatch",
    ]);
  });

  it("shows the end of the serial console where Cloud Logging has nothing", async () => {
    fake.console = "one\r\ntwo\u001b[31m!\nthree\n";
    const { out, err } = await run(["logs", "dev-alice", "--lines", "2"]);
    expect(err).toEqual(["dev-alice: from its serial console, since Cloud Logging has nothing of it"]);
    expect(out).toHaveLength(2);
    expect(out[1]).toBe("three");
    expect(out.join()).not.toContain("\u001b");
    expect(serialLines("", 5)).toEqual([""]);
  });

  it("reads the journal as fleet ssh reaches it", async () => {
    expect((await run(["logs", "dev-alice", "--source", "ssh", "--lines", "20"])).code).toBe(7);
    expect(asked().at(-1)).toBe("--command=journalctl --no-pager -u nixos-auto-update -n 20");
    expect((await run(["logs", "dev-alice", "--direct"])).err).toEqual(["logs: --direct requires --source ssh"]);
  });
});
