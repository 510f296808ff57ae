/** Wrong uses of the operator's tool: one line that says what is wrong and what to do, and the right exit code. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { approvalKey, controlKey } from "../../../rules/contract";
import { checkSettings } from "../infra/check-settings";
import { FakeCompute, type Fault } from "./google/fake-compute";
import { approval, good, old, report } from "./fleet-samples";
import { runFleet } from "./run-fleet";

let directory: string;
let fake: FakeCompute;
let endpoint: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "fleet-wrong-"));
  writeFileSync(join(directory, "file"), "");
});
afterAll(() => rmSync(directory, { recursive: true }));
beforeEach(async () => {
  fake = new FakeCompute();
  endpoint = await fake.start();
  const labels = { "nixos-fleet": "devs", "nixos-fleet-stack": "dev", "nixos-fleet-wave": "rest" };
  const guest = { "nixos-fleet/system": JSON.stringify(report({ at: new Date().toISOString() })) };
  fake.instances = [{ name: "dev-alice", labels, guest }];
  fake.metadata[approvalKey("devs", "dev", "rest")] = JSON.stringify(approval(good));
});
afterEach(() => fake.stop());

interface WrongUse {
  args: string[];
  /** Of the environment, apart from a right one. */
  env?: NodeJS.ProcessEnv;
  api?: Fault;
  item?: string;
  code: 1 | 2;
  line: RegExp;
}
const use = (args: string, code: 1 | 2, line: RegExp, more: Partial<WrongUse> = {}): WrongUse => ({
  args: args.split(" ").filter(Boolean),
  code,
  line,
  ...more,
});

const uses: WrongUse[] = [
  // Commands
  use("statsu", 2, /^unknown command "statsu"; did you mean "status"\?$/),
  use("roll-back", 2, /did you mean "rollback"\?$/),
  use("frobnicate", 2, /^unknown command "frobnicate"; there are status, dashboard, show, /),
  use("help hodl", 2, /did you mean "hold"\?$/),
  use("lock", 2, /^lock: an argument is missing: update /),
  use("lock updat", 2, /^lock: unknown subcommand "updat"; it must be update; did you mean "update"\?$/),
  use("image pubish", 2, /it must be build or publish; did you mean "publish"\?$/),
  use("completion bsh", 2, /it must be one of bash, zsh, fish; did you mean "bash"\?$/),
  // Options
  use("status --jsn", 2, /^status: unknown option --jsn; did you mean --json\?; fleet status --help/),
  use("status --json=yes", 2, /^status: --json takes no value; /),
  use("status --wave", 2, /^status: --wave has no value; /),
  use("hold --why --json", 2, /^hold: --why has no value; /),
  use("status --watch --check", 2, /--watch and --check cannot be combined$/),
  use("diff --head --to main", 2, /--head and --to cannot be combined$/),
  use("await", 2, /^await: --wave is missing/),
  use(
    "await --wave rest --homes gates",
    2,
    /^await: --homes is gates; it must be gate or report; did you mean "gate"\?$/,
  ),
  use("await --wave rest --on-failure rolback", 2, /it must be one of .*rollback.*; did you mean "rollback"\?$/),
  use("await --wave rest --timeout 5x", 2, /--timeout is 5x; it must be a time such as 90s, 20m or 1h30m$/),
  use("await --wave rest --timeout 0", 2, /--timeout is 0; it must be a time/),
  use("await --wave rest --max-failures many", 2, /--max-failures is many; it must be a number of VMs or a share/),
  use("history --since yesterday", 2, /--since is yesterday; it must be a time/),
  use("history --limit all", 2, /--limit is all; it must be a number from 1 to 9999$/),
  use("rollback --timeout soon", 2, /--timeout is soon; it must be a time/),
  use("trigger dev-alice --timeout soon", 2, /--timeout is soon; it must be a time/),
  use("trigger dev-alice --iap --bastion a@b", 2, /--iap and --bastion cannot be combined$/),
  use("trigger dev-alice --bastion a@b:x", 2, /it must be USER@HOST or USER@HOST:PORT$/),
  use("trigger dev-alice --address x", 2, /it must be VM=HOST:PORT$/),
  use("trigger dev-alice --user -x", 2, /it must be a user's name$/),
  use("resume --all --vm dev-alice", 2, /--all cannot be combined with --wave or --vm$/),
  use("hold --why x --vm a --wave b", 2, /--wave and --vm cannot be combined$/),
  use("pin dev-alice", 2, /name the VM and a revision, or give --clear$/),
  use("retry", 2, /name the revision, or give --clear$/),
  use("build", 2, /give one of --bucket, --directory, --to and --push$/),
  use("build --directory /tmp", 2, /--key is missing: the file of the secret key/),
  use("init . --region Europe", 2, /--region is Europe; it must be a region such as europe-west1$/),
  use("init . --stack My_Stack", 2, /--stack is My_Stack; it must be a name such as prod/),
  use("hold", 2, /^hold: --why is missing/),
  // Names
  use("status dev-alcie", 2, /^no VM dev-alcie in fleet devs\/dev; did you mean "dev-alice"\?$/),
  use("status --wave rset", 2, /^no wave rset in fleet devs\/dev; did you mean "rest"\?$/),
  use("hold --why x --wave rets", 2, /did you mean "rest"\?$/),
  use("hold --why x --vm dev-alic", 2, /did you mean "dev-alice"\?$/),
  use(`pin dev-eve ${good}`, 2, /^no VM dev-eve in fleet devs\/dev/),
  use("show dev-alise", 2, /did you mean "dev-alice"\?$/),
  use(
    "diff --clone /nowhere",
    1,
    /^\/nowhere is not a clone of the config repository \(there is no directory \/nowhere\); name it with --clone/,
  ),
  use("diff dev-eve", 2, /^no VM dev-eve in fleet devs\/dev/),
  use("trigger dev-eve", 2, /^no VM dev-eve in fleet devs\/dev/),
  use(`pin dev-alice ${old}`, 2, /^pin: a{40} is in no approval or report/),
  use("pin dev-alice ../main", 2, /is not a revision, a branch or a tag$/),
  use("retry ddddddd", 2, /^retry: ddddddd is in no approval or report/),
  use("rollback ddddddd", 2, /^rollback: ddddddd is in no approval or report/),
  use(`rollback --to ${good}`, 2, /--to is bbbbbbb, the revision to roll back$/),
  use("rollback --wave last", 2, /^no wave last in fleet devs\/dev/),
  use("status --fleet ops", 2, /^no such fleet in project p: it has --fleet devs --stack dev$/),
  // Environment
  use("status", 2, /^no project: give --project, or set /, { env: { GOOGLE_CLOUD_PROJECT: "" } }),
  use("status", 2, /^status: GOOGLE_CLOUD_PROJECT is My Project; it must be a project's id/, {
    env: { GOOGLE_CLOUD_PROJECT: "My Project" },
  }),
  use("await --wave rest", 2, /^await: NIXOS_FLEET_HOMES is yes; it must be gate or report$/, {
    env: { NIXOS_FLEET_HOMES: "yes" },
  }),
  use("lock update", 1, /^git is not on PATH; run this where it is installed|is not a clone of the config repository/),
  use("doctor --stack", 2, /^doctor: --stack has no value/),
  use(
    "lock update --clone /no/such/folder",
    1,
    /^\/no\/such\/folder is not a clone .* \(there is no directory \/no\/such\/folder\); name it with --clone \[NF206\]$/,
  ),
  use("init /dev/null", 2, /^init: \/dev\/null is not a directory to write to: not a directory$/),
  use(
    "status --html /no/such/folder/page.html",
    1,
    /^status: --html \/no\/such\/folder\/page\.html cannot be written: no such file or directory \[NF211\]$/,
  ),
  use("status", 2, /^gcp:credentials or GOOGLE_CREDENTIALS: \/no\/key\.json: no such file or directory; set it to /, {
    env: { GOOGLE_OAUTH_ACCESS_TOKEN: "", GOOGLE_CREDENTIALS: "/no/key.json" },
  }),
  use("remove", 2, /^remove: an argument is missing: VM \[--no-snapshot\]; /),
  use("remove dev-alcie", 2, /^no VM dev-alcie in fleet devs\/dev; did you mean "dev-alice"\?$/),
  use("remove dev-alice --no-snapshots", 2, /unknown option --no-snapshots; did you mean --no-snapshot\?; /),
  use("status --stale soon", 2, /^status: --stale is soon; it must be a time such as 90s, 20m or 1h30m$/),
  use("rollout --why x", 2, /^rollout: --urgent is missing; an ordinary rollout is pulumi up$/),
  use("rollout --urgent", 2, /^rollout: --why is missing; give the reason/),
  use("status", 2, /^NIXOS_FLEET_COMPUTE_ENDPOINT is localhost:1; it must look like https:\/\/HOST\/compute\/v1\/$/, {
    env: { NIXOS_FLEET_COMPUTE_ENDPOINT: "localhost:1" },
  }),
  // The network
  use("status", 1, /^no answer from 127\.0\.0\.1:1: .*; is the local cloud up\? \.\/scripts\/local status says so/, {
    env: { NIXOS_FLEET_COMPUTE_ENDPOINT: "http://127.0.0.1:1/compute/v1/" },
  }),
  use(
    "hold --why x",
    1,
    /^no answer from no-such-host\.invalid: .*; check the network, then run fleet doctor \[NF202\]$/,
    {
      env: { NIXOS_FLEET_COMPUTE_ENDPOINT: "http://no-such-host.invalid/compute/v1/" },
    },
  ),
  use("pin dev-alice main --resolve-from git://127.0.0.1:1/config.git", 1, /127\.0\.0\.1.*|git is not on PATH/),
  use("status", 1, /HTTP 503: backend error; try again in a minute \[NF202\]$/, {
    api: { status: 503, body: { error: { message: "backend error" } } },
  }),
  // What the fleet and Google answer
  use("status", 1, /token of GOOGLE_OAUTH_ACCESS_TOKEN \(HTTP 401\).*Renew it: export GOOGLE_OAUTH_ACCESS_TOKEN=/, {
    api: { status: 401, body: { error: { message: "Request had invalid authentication credentials." } } },
  }),
  use("remove dev-alice", 1, /^the control item is not readable/, { item: "{" }),
  use("status", 1, /^HTTP 403: no permission; fleet doctor checks project and rights \[NF204\]$/, {
    api: { status: 403, body: { error: { message: "no permission" } } },
  }),
  use("hold --why x", 1, /HTTP 404/, { api: { status: 404, body: { error: { message: "not found" } } } }),
  use("hold --why x", 1, /^the control item is not readable/, { item: "{" }),
  use("resume", 1, /^the control item is not readable/, { item: "[]" }),
  use(
    "await --wave nowhere",
    1,
    /^wave nowhere of fleet devs\/dev has no approval; name the revision in full \[NF209\]$/,
  ),
];

test("there are enough of them", () => expect(uses.length).toBeGreaterThanOrEqual(60));

/** Settings of a stack that are wrong, and the one line that is said of them. */
const settings: [Record<string, unknown>, RegExp | string][] = [
  [{ vms: "dev-alice" }, 'nixos-fleet:vms: "dev-alice" must be a list such as [{ name: dev-alice }]'],
  [{ vms: ["dev-alice"] }, 'nixos-fleet:vms[0]: "dev-alice" must be a mapping such as { name: dev-alice }'],
  [
    { vms: [{ name: "a", homes: ["alice"] }] },
    'nixos-fleet:vms[0].homes[0]: "alice" must be a mapping such as { user: alice }',
  ],
  [
    { vms: [{ name: "a", homes: "alice" }] },
    'nixos-fleet:vms[0].homes: "alice" must be a list such as [{ user: alice }]',
  ],
  [{ vms: [{ owner: "alice" }] }, "nixos-fleet:vms[0].name: must be set"],
  [{ vms: [{ name: "a", machinetype: "x-1" }] }, /vms\[0\]\.machinetype: unknown key; did you mean "machineType"\?$/],
  [{ vms: [{ name: "a", disksizeGB: 10 }] }, /unknown key; did you mean "diskSizeGb"\?$/],
  [{ vms: [{ name: "a", diskSizeGb: "10" }] }, 'nixos-fleet:vms[0].diskSizeGb: "10" must be a number'],
  [{ vms: [{ name: "a", diskSizeGb: 1 }] }, "nixos-fleet:vms[0].diskSizeGb: 1 must be 10 or more"],
  [{ vms: [{ name: "a", diskSizeGb: 1e6 }] }, "nixos-fleet:vms[0].diskSizeGb: 1000000 must be 65536 or less"],
  [{ vms: [{ name: "a", diskSizeGb: 10.5 }] }, "nixos-fleet:vms[0].diskSizeGb: 10.5 must be a whole number"],
  [{ vms: [{ name: "a", deletionProtection: "no" }] }, /deletionProtection: "no" must be true or false$/],
  [{ vms: [{ name: "a", owner: "" }] }, 'nixos-fleet:vms[0].owner: "" must not be empty'],
  [{ defaults: "e2-small" }, /defaults: "e2-small" must be a mapping such as \{ machineType: e2-standard-4 \}$/],
  [{ teams: ["group:a@example.com"] }, /must be a mapping such as \{ infra: \[group:infra@example\.com\] \}$/],
  [{ teams: { developer: [] } }, /teams\.developer: unknown key; did you mean "developers"\?$/],
  [{ waves: "canary" }, /waves: "canary" must be a list such as \[\{ name: rest, rest: true \}\]$/],
  [
    {
      waves: [{ name: "one", vms: ["a"] }],
      vms: Array.from({ length: 40 }, (_, at) => ({ name: at === 0 ? "a" : `b${at}` })),
    },
    'nixos-fleet:waves: "b1", "b2", "b3", "b4", "b5" and 34 more are in no wave; name them in one, or give one wave rest: true',
  ],
  [{ waves: [{ name: "all", rest: false }] }, /rest: false must be true, or omitted$/],
  [{ waves: [{ name: "all", rest: true, onFailure: "undo" }] }, /"undo" must be one of hold, rollback, continue$/],
  [{ branch: true }, /^nixos-fleet:branch: true must be the name of one branch, such as main; /],
  [{ branch: ["main"] }, /branch: \["main"\] must be the name of one branch/],
  [{ follow: "aproved" }, 'nixos-fleet:follow: "aproved" must be one of branch, approved'],
  [{ folow: "branch" }, 'nixos-fleet:folow: unknown key; did you mean "follow"?'],
  [{ frobnicate: "x" }, "nixos-fleet:frobnicate: unknown key; docs/reference/settings.md has all keys"],
  [{ "gcp:zone": "us-east1-b" }, /^gcp:zone: "us-east1-b" is not in gcp:region "europe-west1"/],
  [
    { vms: ["a", "b", "c"].map((name) => ({ name, zone: "us-east1-b" })) },
    /^nixos-fleet:vms\[0\]\.zone: "us-east1-b" is not in gcp:region .* \(the same: vms\[1\], vms\[2\]\)$/,
  ],
  [
    { vms: Array.from({ length: 40 }, (_, at) => ({ name: `a${at}`, zone: "europe" })) },
    'nixos-fleet:vms[0].zone: "europe" must be a zone such as europe-west1-b (the same: vms[1], vms[2], vms[3] and 36 more)',
  ],
  [
    { defaults: { machineType: "c4-standard-4", diskType: "pd-ssd" }, vms: [{ name: "a" }, { name: "b" }] },
    'nixos-fleet:defaults.diskType: "pd-ssd" does not fit c4-standard-4, which takes hyperdisk-balanced',
  ],
  [{ "gcp:region": "europe" }, /^gcp:region: "europe" must be a region such as europe-west1$/],
  [{ "fleet:follow": "branch" }, "fleet:follow: unknown namespace; did you mean nixos-fleet:follow?"],
];

test.each(settings)("settings %j", (keys, line) => {
  const { mistakes } = checkSettings(keys);
  expect(mistakes).toHaveLength(1);
  expect(mistakes[0]).toMatch(line);
  if (typeof line === "string") expect(mistakes[0]).toBe(line);
  expect(mistakes[0]).not.toMatch(/expected .* received|invalid input|\n/i);
});

test.each(uses.map((one) => [one.args.join(" "), one] as const))("fleet %s", async (_, one) => {
  if (one.item !== undefined) fake.setMetadata(controlKey("devs", "dev"), one.item);
  const before = JSON.stringify(fake.metadata);
  fake.fault = () => one.api;
  const { code, out, err } = await runFleet(one.args, {
    NIXOS_FLEET_COMPUTE_ENDPOINT: endpoint,
    NIXOS_FLEET_LOGGING_ENDPOINT: new URL("/logging/", endpoint).href,
    GOOGLE_OAUTH_ACCESS_TOKEN: "t",
    GOOGLE_CLOUD_PROJECT: "p",
    NIXOS_FLEET_CONFIG_CLONE: directory,
    USER: "eve",
    PATH: "/nonexistent",
    ...one.env,
  });
  expect(err).toHaveLength(1);
  expect(err[0]).toMatch(one.line);
  expect(err[0]).not.toMatch(/\n|\bE[A-Z]{4,}: |expected .* received|undefined|\[object/);
  expect([code, out]).toEqual([one.code, []]);
  expect(JSON.stringify(fake.metadata)).toBe(before);
});
