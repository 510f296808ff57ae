/** People get messages about the fleet's events: by a webhook and by a command, in order, once each, and nothing fails where that does not go. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventSchema } from "../../../cli/history-entry";
import { notificationOf } from "../../../cli/notify/message";
import { notify } from "../../../cli/notify/send";
import { good } from "./fleet-samples";
import { serve, type Served } from "../local/client";
import { oneStoppedVm, runServedFleet, underPulumi } from "./served-fleet";

const id = { fleet: "devs", stack: "prod" };
const gate = { laterWaves: ["rest"], minSucceeded: 1, maxFailures: "0" };
const revision = "a".repeat(40);

describe("a message", () => {
  it.each<[what: string, event: object, text: string | undefined]>([
    [
      "of a rollout that begins",
      { event: "gate", scope: "wave:canary", outcome: "started", first: true, gate },
      "rollout of aaaaaaa began with wave canary, by alice",
    ],
    ["of its next wave", { event: "gate", scope: "wave:rest", outcome: "started", first: false, gate }, undefined],
    ["of a wave that passes", { event: "gate", scope: "wave:canary", outcome: "passed", gate }, undefined],
    [
      "of the last one",
      { event: "gate", scope: "wave:rest", outcome: "passed", gate: { ...gate, laterWaves: [] } },
      "rollout of aaaaaaa is done",
    ],
    [
      "of one that fails",
      {
        event: "gate",
        scope: "wave:canary",
        outcome: "failed",
        gate,
        why: "2 of 2 failed, 1 may",
        failed: { "dev-a": "health", "dev-b": "build" },
      },
      "wave canary stopped aaaaaaa: 2 of 2 failed, 1 may\n- dev-a: health\n- dev-b: build",
    ],
    [
      "of one that fails as the one before did",
      { event: "gate", scope: "wave:canary", outcome: "failed", gate, repeats: true, why: "held" },
      undefined,
    ],
    [
      "of one that proves nothing",
      { event: "gate", scope: "wave:canary", outcome: "unproved", gate, why: "no VM ran it" },
      "wave canary stopped aaaaaaa: no VM ran it",
    ],
    [
      "of a gate that was interrupted",
      { event: "gate", scope: "wave:canary", outcome: "interrupted", gate },
      undefined,
    ],
    ["of a gate's own hold", { event: "hold", scope: "wave:canary", why: "by the gate of wave canary" }, undefined],
    ["of a person's hold", { event: "hold", scope: "fleet", why: "demo at 3" }, "the fleet held by alice: demo at 3"],
    ["of its end", { event: "resume", scope: "vm:dev-a" }, "dev-a resumed by alice"],
    [
      "of an undone revision",
      { event: "rollback", scope: "wave:canary, middle", outcome: "passed" },
      "aaaaaaa undone in wave canary, middle (passed)",
    ],
    [
      "of an urgent revision",
      { event: "urgent", why: "CVE-2026-1234" },
      "aaaaaaa is urgent, says alice: CVE-2026-1234",
    ],
    ["of a pin", { event: "pin", scope: "vm:dev-a" }, undefined],
  ])("%s", (_, event, text) => {
    const said = notificationOf(id, eventSchema.parse({ revision, ...event }), "alice", undefined);
    expect(said).toBe(text && `devs/prod: ${text}`);
  });

  it("names five VMs of many, and the CI job's page", () => {
    const failed = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`dev-${index}`, "health"]));
    const event = eventSchema.parse({ event: "gate", scope: "wave:rest", outcome: "failed", gate, failed });
    const lines = notificationOf(id, event, "alice", "https://ci.example.com/1")?.split("\n");
    expect(lines).toHaveLength(8);
    expect(lines?.slice(-2)).toEqual(["- and 35 more", "https://ci.example.com/1"]);
  });
});

describe("the tool", () => {
  let served: Served;
  let server: Server;
  let webhook: string;
  let answer: number | undefined;
  let sent: string[];
  let scratch: string;

  beforeEach(async () => {
    served = await serve();
    [sent, answer] = [[], 200];
    scratch = mkdtempSync(join(tmpdir(), "nixos-fleet-notify-"));
    server = createServer((request, response) => {
      let body = "";
      request.on("data", (data: Buffer) => (body += data.toString()));
      request.on("end", () => {
        sent.push((JSON.parse(body) as { text: string }).text);
        // Without an answer it hangs.
        if (answer !== undefined) response.writeHead(answer).end();
      });
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    webhook = `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/secret-token`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    served.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  const fleet = (args: string[], env: NodeJS.ProcessEnv = {}) =>
    runServedFleet(served, args, { NIXOS_FLEET_BY: "alice", NIXOS_FLEET_NOTIFY_WEBHOOK: webhook, ...env });

  it("sends a webhook messages of a rollout and of who holds it, in order and once each", async () => {
    await oneStoppedVm(served);
    expect((await fleet(["await", "--wave", "rest"], underPulumi)).code).toBe(0);
    // By hand it only looks on.
    await fleet(["await", "--wave", "rest"]);
    await fleet(["hold", "--why", "demo at 3"]);
    await fleet(["resume", "--yes"]);
    const short = good.slice(0, 7);
    expect(sent).toEqual([
      `devs/dev: rollout of ${short} began with wave rest, by alice`,
      `devs/dev: rollout of ${short} is done`,
      expect.stringMatching(/^devs\/dev: the fleet held by alice: demo at 3$/),
      expect.stringMatching(/^devs\/dev: the fleet resumed by alice/),
    ]);
  });

  it.each([
    ["answers 500", 500, "HTTP 500"],
    ["cannot be reached", 200, "it cannot be reached"],
  ])("is not disturbed by a webhook that %s, and shows nothing of its address", async (_, status, problem) => {
    await oneStoppedVm(served);
    answer = status;
    const address = problem.startsWith("HTTP") ? webhook : webhook.replace(/:\d+\//, ":1/");
    const { code, err } = await fleet(["hold", "--why", "demo"], { NIXOS_FLEET_NOTIFY_WEBHOOK: address });
    expect(code).toBe(0);
    expect(err).toEqual([`NIXOS_FLEET_NOTIFY_WEBHOOK: no message was sent (${problem}); nothing else is affected`]);
  });

  it("shows what a VM said as text: it mentions and links nothing", async () => {
    const call = { env: { NIXOS_FLEET_NOTIFY_WEBHOOK: webhook }, printError: () => undefined };
    const why = "<!channel> <https://evil.example|approve> a & b";
    await notify(call, id, eventSchema.parse({ event: "hold", why }), "alice");
    expect(sent).toEqual([
      "devs/prod: the fleet held by alice: &lt;!channel&gt; &lt;https://evil.example|approve&gt; a &amp; b",
    ]);
  });

  it("waits for a webhook that hangs no longer than its limit", async () => {
    answer = undefined;
    const err: string[] = [];
    const call = { env: { NIXOS_FLEET_NOTIFY_WEBHOOK: webhook }, printError: (line: string) => err.push(line) };
    await notify(call, id, eventSchema.parse({ event: "hold", why: "demo" }), "alice", 200);
    expect(err).toEqual([
      "NIXOS_FLEET_NOTIFY_WEBHOOK: no message was sent (no answer in time); nothing else is affected",
    ]);
  });

  it("gives a command the message by standard input, with the CI job's page", async () => {
    await oneStoppedVm(served);
    const file = join(scratch, "sent");
    const { code, err } = await fleet(["hold", "--why", "demo"], {
      NIXOS_FLEET_NOTIFY_WEBHOOK: "",
      NIXOS_FLEET_NOTIFY_COMMAND: `cat >${file}`,
      CI_JOB_URL: "https://ci.example.com/jobs/1",
    });
    expect([code, err]).toEqual([0, []]);
    expect(readFileSync(file, "utf8")).toBe("devs/dev: the fleet held by alice: demo\nhttps://ci.example.com/jobs/1");
  });

  it("gives a command the environment, but nothing that opens the stack", async () => {
    const file = join(scratch, "environment");
    const env = {
      NIXOS_FLEET_NOTIFY_COMMAND: `env >${file}`,
      SMTP_TOKEN: "x",
      PULUMI_ACCESS_TOKEN: "hunter2",
      PULUMI_CONFIG_PASSPHRASE: "hunter2",
    };
    const call = { env, printError: (line: string) => expect.fail(line) };
    await notify(call, id, eventSchema.parse({ event: "hold", why: "demo" }), "alice");
    expect(readFileSync(file, "utf8")).toContain("SMTP_TOKEN=x");
    expect(readFileSync(file, "utf8")).not.toContain("hunter2");
  });
});
