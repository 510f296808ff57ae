/** What the doctor makes of facts. */
import { expect, test } from "vitest";
import { contract } from "../../../../rules/contract";
import type { Instance } from "../../../../cli/google/compute";
import { diagnose } from "../../../../cli/doctor/doctor";
import type { Facts, Finding } from "../../../../cli/doctor/findings";
import { buildStatus } from "../../../../cli/status/status";
import { decisions, good, hold, reading, reports, silent, vm } from "../fleet-samples";

const now = new Date("2026-01-20T12:00:00Z");
const id = { fleet: "devs", stack: "dev" };

const metadata = (branch = "main", script = "#!/bin/sh") => ({
  "startup-script": script,
  "nixos-fleet": JSON.stringify({ branch, follow: "branch" }),
});
const instance = (name: string, changes: Partial<Instance> = {}): Instance => ({
  name,
  zone: "z1",
  state: "RUNNING",
  labels: {},
  metadata: metadata(),
  ...changes,
});

/** Facts of a fleet where all is well. */
function wellFacts(): Facts {
  const vms = [vm("a"), vm("b")];
  const said = new Map(vms.map(({ name }) => [name, reports(reading({ agent: contract.agent }))]));
  return {
    tools: {
      node: { value: "v20.20.2" },
      git: { value: "git version 2.39.5" },
      pulumi: { value: "v3.256.0" },
      nix: { value: "nix (Nix) 2.26.3" },
      gcloud: { value: "Google Cloud SDK 528.0.0" },
    },
    stack: { value: "dev" },
    mistakes: [],
    settings: {
      project: "p",
      region: "europe-west1",
      zone: "europe-west1-b",
      fleet: "devs",
      source: { repository: "ssh://git/config", branch: "main" },
      apis: [],
      warnings: [],
      snapshotDisks: [],
      madeImages: [],
      projectMetadata: { "nixos-fleet-startup--devs--dev": "#!/bin/sh" },
      vms: ["a", "b"].map((name) => ({
        name,
        host: name,
        homes: [name],
        ownHomes: [],
        zone: "z1",
        machineType: "e2-standard-4",
        image: "nixos-fleet",
        metadata: metadata(),
      })),
    },
    credentials: { value: "those of eve@example.com" },
    project: { value: "p answers" },
    projectMetadata: { "nixos-fleet-startup--devs--dev": "#!/bin/sh", unrelated: "x" },
    servicesOff: { value: [] },
    permissionsMissing: { value: [] },
    head: { value: good },
    lock: { value: '{"nodes":{"root":{"inputs":{"nixpkgs":"n"}},"n":{}},"root":"root"}' },
    flake: { value: { hosts: ["a", "b", "unused"], homes: ["a", "b"] } },
    instances: { value: [instance("a"), instance("b")] },
    status: { value: buildStatus(id, vms, decisions({ rest: good }), said, now) },
    unreachable: {},
  };
}

const wrong = (facts: Facts) => diagnose(facts, now).filter(({ verdict }) => verdict !== "ok");

test("where all is well every check says so", () => {
  const findings = diagnose(wellFacts(), now);
  expect(findings.map(({ verdict, check }) => `${verdict} ${check}`)).toEqual(
    [
      ...["node", "git", "pulumi", "nix", "gcloud", "settings", "credentials", "project", "rights", "apis"],
      ...["repository", "flake.lock", "hosts", "vms", "reports", "holds", "reach"],
    ].map((check) => `ok ${check}`),
  );
  expect(findings.every(({ todo }) => todo === null)).toBe(true);
});

type Changed = (facts: Facts) => void;
const problem = { problem: "no" };
const withStatus =
  (change: Partial<Parameters<typeof decisions>[1]>, agent: string = contract.agent, silentVm = ""): Changed =>
  (facts) => {
    const vms = [vm("a", { startedAt: "2026-01-01T00:00:00Z" }), vm("b")];
    const said = new Map(
      vms.map(({ name }) => [name, reports(name === silentVm ? silent : reading({ agent }))] as const),
    );
    facts.status = { value: buildStatus(id, vms, decisions({ rest: good }, change), said, now) };
  };

test.each<[string, Changed, Partial<Finding>[]]>([
  ["git missing", (facts) => (facts.tools["git"] = problem), [{ check: "git", verdict: "fail" }]],
  ["nix missing", (facts) => (facts.tools["nix"] = problem), [{ check: "nix", verdict: "warn" }]],
  [
    "nix too old",
    (facts) => (facts.tools["nix"] = { value: "nix (Nix) 2.18.9" }),
    [{ check: "nix", verdict: "warn", todo: expect.stringMatching(/^2\.19 or newer is needed/) as string }],
  ],
  [
    "pulumi missing, and with it all that only Pulumi knows",
    (facts) => {
      Object.assign(facts, { stack: problem, unread: "pulumi is not on PATH", settings: undefined });
      facts.tools["pulumi"] = problem;
    },
    [{ check: "pulumi", verdict: "fail" }],
  ],
  [
    "settings that Pulumi cannot read",
    (facts) => (facts.unread = "pulumi config: no stack named 'dev' found"),
    [{ check: "settings", verdict: "fail", todo: "see that pulumi config --stack dev works here" }],
  ],
  ["no stack", (facts) => (facts.stack = problem), [{ check: "stack", verdict: "fail" }]],
  [
    "mistakes in the settings",
    (facts) => (facts.mistakes = ["x: wrong", "y: wrong"]),
    [
      { check: "settings", verdict: "fail", text: "x: wrong", todo: "fix Pulumi.dev.yaml" },
      { check: "settings", verdict: "fail", text: "y: wrong" },
    ],
  ],
  [
    "what the program warns of",
    ({ settings }) => settings?.warnings.push("nixos-fleet:knownHosts: is not set"),
    [{ check: "settings", verdict: "warn", text: "nixos-fleet:knownHosts: is not set" }],
  ],
  ["no credentials", (facts) => (facts.credentials = problem), [{ check: "credentials", verdict: "fail" }]],
  [
    "another project in the environment",
    (facts) => (facts.environmentProject = { name: "NIXOS_FLEET_PROJECT", value: "q" }),
    [
      {
        check: "project",
        verdict: "warn",
        text: "the stack uses p, and NIXOS_FLEET_PROJECT is q",
        todo: expect.stringMatching(/^export NIXOS_FLEET_PROJECT=p: /) as string,
      },
    ],
  ],
  ["no project", (facts) => (facts.project = problem), [{ check: "project", verdict: "fail" }]],
  [
    "an API off",
    (facts) => (facts.servicesOff = { value: ["iap.googleapis.com"] }),
    [
      {
        check: "apis",
        verdict: "fail",
        todo: "pulumi up switches them on, or gcloud services enable iap.googleapis.com",
      },
    ],
  ],
  [
    "a permission missing",
    (facts) => (facts.permissionsMissing = { value: ["iam.serviceAccounts.actAs"] }),
    [
      {
        check: "rights",
        verdict: "fail",
        text: expect.stringMatching(/^missing on the project: iam\.serviceAccounts\.actAs;/) as string,
      },
    ],
  ],
  [
    "permissions not to be asked",
    (facts) => (facts.permissionsMissing = problem),
    [{ check: "rights", verdict: "warn" }],
  ],
  ["APIs not to be asked", (facts) => (facts.servicesOff = problem), [{ check: "apis", verdict: "warn" }]],
  ["no repository", (facts) => (facts.head = problem), [{ check: "repository", verdict: "fail", text: "no" }]],
  ["no lock", (facts) => (facts.lock = { value: undefined }), [{ check: "flake.lock", verdict: "fail" }]],
  ["a lock that is none", (facts) => (facts.lock = { value: "[" }), [{ check: "flake.lock", verdict: "fail" }]],
  [
    "no nix to look for hosts",
    (facts) => (facts.flake = { problem: "could not be looked for without nix" }),
    [{ check: "hosts", verdict: "warn", text: "could not be looked for without nix" }],
  ],
  [
    "a host and a home that the repository does not have",
    (facts) => (facts.flake = { value: { hosts: ["a"], homes: ["b"] } }),
    [
      {
        check: "hosts",
        verdict: "fail",
        text: 'there is no nixosConfigurations.b, the host of b; did you mean "a"?',
        todo: "correct the stack's settings, or add it to the repository",
      },
      { check: "homes", verdict: "fail", text: 'there is no homeConfigurations.a, the home of a; did you mean "b"?' },
    ],
  ],
  [
    "a home's own repository that cannot be read",
    (facts) => (facts.ownHomes = [{ repository: "git://x/alice", branch: "main", homes: problem }]),
    [{ check: "homes", verdict: "fail", text: "git://x/alice, branch main: no" }],
  ],
  ["no list of VMs", (facts) => (facts.instances = problem), [{ check: "vms", verdict: "fail" }]],
  [
    "a VM missing, a strange one, another elsewhere",
    (facts) => (facts.instances = { value: [instance("a", { zone: "z2" }), instance("c")] }),
    [
      { check: "vms", verdict: "warn", text: "not made yet: b" },
      { check: "vms", verdict: "warn", text: "the stack does not name c" },
      { check: "vms", verdict: "warn", text: "differ from the stack: a (zone)" },
    ],
  ],
  [
    "metadata out of step, by field",
    (facts) =>
      (facts.instances = {
        value: [
          instance("a", { metadata: metadata("next") }),
          instance("b", { metadata: metadata("main", "#!/bin/ksh") }),
        ],
      }),
    [{ check: "vms", verdict: "warn", text: "differ from the stack: a (branch), b (startup-script)" }],
  ],
  [
    "a startup script that someone changed",
    (facts) => (facts.projectMetadata = { "nixos-fleet-startup--devs--dev": "#!/bin/ksh" }),
    [
      {
        check: "vms",
        verdict: "warn",
        text: "the project's metadata differs from the stack: nixos-fleet-startup--devs--dev",
      },
    ],
  ],
  [
    "an image that does not exist",
    (facts) => (facts.imagesMissing = { value: ['nixos-fleet:vms: b: project p has no family "nixos"'] }),
    [{ check: "images", verdict: "fail", todo: expect.stringContaining("fleet image publish") as string }],
  ],
  [
    "a silent VM",
    withStatus({}, contract.agent, "a"),
    [{ check: "reports", verdict: "warn", text: expect.stringMatching(/^silent: a \(.+\)$/) as string }],
  ],
  ["old agents", withStatus({}, "0.0.1"), [{ check: "agents", verdict: "warn" }]],
  [
    "a hold that a person left",
    withStatus({ holds: [hold("fleet")] }),
    [{ check: "holds", verdict: "warn", text: "the fleet held by eve@desk: demo, for 19 d 1 h" }],
  ],
  ["a gate's hold, which lapses by itself", withStatus({ holds: [hold("wave:rest", good)] }), []],
  ["a fresh hold", withStatus({ holds: [{ ...hold("fleet"), at: "2026-01-20T11:00:00Z" }] }), []],
  ["the pin of a VM that is gone", withStatus({ pins: { z: good } }), [{ check: "pins", todo: "fleet pin z --clear" }]],
  [
    "a VM that does not answer SSH",
    (facts) => (facts.unreachable = { a: "10.0.0.2:22: ETIMEDOUT" }),
    [{ check: "reach", verdict: "warn", text: "no answer from a (10.0.0.2:22: ETIMEDOUT)" }],
  ],
])("%s is found, and nothing else", (_, change, expected) => {
  const facts = wellFacts();
  change(facts);
  const found = wrong(facts);
  expect(found).toMatchObject(expected);
  expect(found).toHaveLength(expected.length);
  expect(found.every(({ todo, text }) => todo !== null && !text.includes("\n"))).toBe(true);
});

test("of many VMs the first are named", () => {
  const facts = wellFacts();
  facts.instances = { value: [] };
  facts.settings?.vms.push(
    ...Array.from({ length: 30 }, (_, index) => ({
      name: `vm-${index}`,
      host: "a",
      homes: [],
      ownHomes: [],
      zone: "z1",
      machineType: "e2-standard-4",
      image: "nixos-fleet",
      metadata: {},
    })),
  );
  expect(wrong(facts)[0]?.text).toMatch(/^not made yet: a, b, vm-0, .*vm-7 and 22 more$/);
});
