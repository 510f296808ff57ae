/** `fleet rollout --urgent`: who is affected, what it passes, what it sets, and that it runs `pulumi up`. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { approvalKey, controlKey } from "../../../rules/contract";
import type { CommandContext } from "../../../cli/command-line/command";
import { noControl } from "../../../rules/rollout/control-item";
import { buildStatus } from "../../../cli/status/status";
import { renderStatus } from "../../../cli/status/table";
import { pausesOf } from "../../../cli/status/urgent";
import { environmentOf, FakeCompute } from "./google/fake-compute";
import { approval, decisions, good, hold, old, reading, report, reports, vm } from "./fleet-samples";
import { runFleet } from "./run-fleet";

let fake: FakeCompute;
let endpoint: string;
let bin: string;
const waves = [
  { name: "canary", vms: ["dev-canary"], pause: "2h" },
  { name: "rest", rest: true },
];

beforeEach(async () => {
  fake = new FakeCompute();
  endpoint = await fake.start();
  const labels = { "nixos-fleet": "devs", "nixos-fleet-stack": "dev" };
  const vm = (name: string, wave: string, changes: Parameters<typeof report>[0]) => ({
    name,
    labels,
    metadata: { "nixos-fleet": JSON.stringify({ wave, repository: "https://x/config.git", branch: "main" }) },
    guest: { "nixos-fleet/system": JSON.stringify(report(changes)) },
  });
  fake.instances = [
    vm("dev-canary", "canary", { revision: old }),
    vm("dev-alice", "rest", {
      revision: old,
      outcome: "deferred",
      waiting: { for: "window", until: "2026-01-01T22:00:00Z" },
    }),
    vm("dev-bob", "rest", { revision: old }),
    vm("dev-eve", "rest", { revision: good }),
  ];
  fake.setMetadata(approvalKey("devs", "dev", "canary"), JSON.stringify(approval(good)));
  fake.setMetadata(controlKey("devs", "dev"), JSON.stringify({ ...noControl, holds: [hold("vm:dev-bob")] }));
  bin = mkdtempSync(join(tmpdir(), "rollout-"));
  // Pulumi, as far as the tool calls it: its arguments are kept.
  writeFileSync(
    join(bin, "pulumi"),
    `#!/bin/sh
echo "$*" >>${bin}/calls
case "$*" in
  *--json*) cat ${bin}/settings ;;
  up*) exit 3 ;;
esac
`,
  );
  chmodSync(join(bin, "pulumi"), 0o755);
});
afterEach(async () => {
  await fake.stop();
  rmSync(bin, { recursive: true });
});

/** Of the stack in this directory, besides its waves. */
let settings: Record<string, unknown> = {};
beforeEach(() => (settings = {}));

function fleet(args: string[], more: Partial<CommandContext> = {}) {
  const env = {
    ...environmentOf(endpoint),
    PATH: `${bin}:/usr/bin:/bin`,
  };
  const values = Object.entries({ ...settings, "nixos-fleet:waves": JSON.stringify(waves) });
  writeFileSync(
    join(bin, "settings"),
    JSON.stringify(Object.fromEntries(values.map(([key, value]) => [key, { value }]))),
  );
  return runFleet(["rollout", good.slice(0, 7), "--urgent", "--why", "CVE-2026-1", ...args], env, more);
}

const calls = () => readFileSync(join(bin, "calls"), "utf8").trim().split("\n");

const preview = [
  "urgent: bbbbbbb to 2 VMs: CVE-2026-1",
  "  wave canary: dev-canary",
  "  wave rest: dev-alice",
  "  windows: none counts; waiting for theirs: dev-alice (else at 2026-01-01T22:00:00Z)",
  "  pauses: left out after canary (2 h)",
  "  stays: dev-bob (VM dev-bob held by eve@desk: demo)",
  "  canaries and health checks count as ever",
];

describe("fleet rollout --urgent", () => {
  it("says who is affected and what it passes, and changes nothing with --dry-run", async () => {
    const { code, out } = await fleet(["--dry-run"]);
    expect(out).toEqual([...preview, "nothing was changed (--dry-run)"]);
    expect(code).toBe(0);
    expect(calls().join("\n")).not.toContain("config set");
  });

  it("refuses the settings of another fleet or project", async () => {
    for (const [key, set, option, read] of [
      ["gcp:project", "q", "--project", "p"],
      ["nixos-fleet:fleet", "others", "--fleet", "devs"],
    ]) {
      settings = { [key ?? ""]: set };
      const { code, err } = await fleet(["--yes"]);
      expect([code, err]).toEqual([
        2,
        [expect.stringMatching(`the stack in .* has ${key} ${set}, and ${option} is ${read}; name one fleet`)],
      ]);
    }
    expect(calls().join("\n")).not.toMatch(/config set|up/);
  });

  it("sets the revision and the reason, and ends as pulumi up ends", async () => {
    const { code } = await fleet(["--yes"]);
    expect(calls().slice(1)).toEqual([
      `config set --stack dev --non-interactive -- nixos-fleet:urgent ${good}`,
      "config set --stack dev --non-interactive -- nixos-fleet:urgentWhy CVE-2026-1",
      "up --stack dev --yes",
    ]);
    expect(code).toBe(3);
  });

  it("leaves pulumi up to the caller with --no-up", async () => {
    const { code, out } = await fleet(["--no-up", "--json"]);
    expect(JSON.parse(out.join("\n"))).toMatchObject({ revision: good, why: "CVE-2026-1", pauses: { canary: 7200 } });
    expect(code).toBe(0);
    expect(calls().at(-1)).toContain("urgentWhy");
  });

  it("refuses before it changes anything what pulumi up would refuse: no one can confirm it", async () => {
    const yes = () => Promise.resolve(true);
    for (const more of [{}, { terminal: true }, { confirm: yes }]) {
      const { code, err } = await fleet([], more);
      expect([code, err]).toEqual([
        2,
        ["rollout: without a terminal, pulumi up does not ask: give --yes, or --no-up to run it later"],
      ]);
    }
    expect(existsSync(join(bin, "calls"))).toBe(false);
    expect((await fleet([], { terminal: true, confirm: yes })).code).toBe(3);
  });

  it("asks on a terminal, and does nothing where the answer is no", async () => {
    const { code, err } = await fleet([], { terminal: true, confirm: () => Promise.resolve(false) });
    expect([code, err]).toEqual([1, ["nothing was changed [NF210]"]]);
    expect(calls().join("\n")).not.toContain("config set");
  });
});

test("status shows what is urgent, and why", () => {
  const { approvals, ...rest } = decisions({ canary: good, rest: good });
  const urgent = Object.fromEntries(
    Object.entries(approvals).map(([wave, one]) => [wave, { ...one, urgent: true, why: "CVE-2026-1" }]),
  );
  const id = { fleet: "devs", stack: "dev" };
  const vms = [vm("dev-canary", { wave: "canary" }), vm("dev-alice"), vm("dev-bob")];
  const noted = (holds: string[], revisions: string[]) => {
    const said = new Map(
      vms.map(({ name }, index) => [
        name,
        reports(reading({ revision: revisions[index] ?? "", approved: revisions[index] })),
      ]),
    );
    const control = { ...rest.control, holds: holds.map((scope) => hold(scope)) };
    const status = buildStatus(id, vms, { ...rest, control, approvals: urgent }, said, new Date());
    return renderStatus(status, { colour: false }).filter((line) => line.startsWith("urgent"));
  };
  const start = "urgent, past windows and pauses: waves canary, rest bbbbbbb: CVE-2026-1; ";
  expect(noted([], [good, good, good])).toEqual([`${start}every VM runs it`]);
  expect(noted(["vm:dev-bob"], [good, old, old])).toEqual([
    `${start}1 of 3 VMs run it, not yet dev-alice (behind), dev-bob (held)`,
  ]);
});

test.each([undefined, "no JSON", "{}", "[1]"])("waves written as %j have no pauses", (text) => {
  expect(Object.values(pausesOf(text)).filter((pause) => pause > 0)).toEqual([]);
});
