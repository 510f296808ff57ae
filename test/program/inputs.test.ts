/** The smallest stack and a full one: every input of every resource, as the engine hands them to the provider. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digest } from "../../infra/config/digest";
import { startupScript } from "../../infra/startup";
import { Program, type Recorded } from "./setup/program";

const script = startupScript();
const lock = digest(Buffer.from("{}"));

let program: Program;
beforeEach(async () => {
  program = await Program.start("inputs");
});
afterEach(() => program.stop());

function network(cidr: string): Record<string, Recorded> {
  const vpc = "global/networks/devs-vpc-*";
  const region = "europe-west1";
  return {
    "devs-vpc": ["gcp:compute/network:Network", { autoCreateSubnetworks: false }],
    "devs-subnet": [
      "gcp:compute/subnetwork:Subnetwork",
      { network: vpc, region, ipCidrRange: cidr, privateIpGoogleAccess: true },
    ],
    "devs-router": ["gcp:compute/router:Router", { network: vpc, region }],
    "devs-nat": [
      "gcp:compute/routerNat:RouterNat",
      {
        router: "devs-router-*",
        region,
        natIpAllocateOption: "AUTO_ONLY",
        sourceSubnetworkIpRangesToNat: "LIST_OF_SUBNETWORKS",
        subnetworks: [
          { name: "regions/europe-west1/subnetworks/devs-subnet-*", sourceIpRangesToNats: ["ALL_IP_RANGES"] },
        ],
      },
    ],
    "devs-ssh-from-iap": [
      "gcp:compute/firewall:Firewall",
      {
        network: vpc,
        direction: "INGRESS",
        sourceRanges: ["35.235.240.0/20"],
        targetTags: ["nixos-fleet-devs"],
        allows: [{ protocol: "tcp", ports: ["22"] }],
      },
    ],
  };
}

const email = "fleet-devs-inputs@local-project.iam.gserviceaccount.com";

/** The account that the VMs run as. */
const account: Record<string, Recorded> = {
  "devs-account": [
    "gcp:serviceaccount/account:Account",
    { accountId: "fleet-devs-inputs", displayName: "VMs of fleet devs, stack inputs" },
  ],
  ...Object.fromEntries(
    ["logging.logWriter", "monitoring.metricWriter"].map((role) => [
      `devs-account-${role.replace(/^.*\./, "")}`,
      [
        "gcp:projects/iAMMember:IAMMember",
        { project: "local-project", role: `roles/${role}`, member: `serviceAccount:${email}` },
      ] satisfies Recorded,
    ]),
  ),
};

/** The APIs of a stack without optional parts. */
const apis: Record<string, Recorded> = Object.fromEntries(
  ["compute", "iam", "iap", "cloudresourcemanager", "oslogin", "logging"].map((api) => [
    `devs-api-${api}`,
    ["gcp:projects/service:Service", { service: `${api}.googleapis.com`, disableOnDestroy: false }] satisfies Recorded,
  ]),
);

const always = { title: "nixos-fleet", expression: 'request.time >= timestamp("2020-01-01T00:00:00Z")' };

/** What lets the infra team log in to one VM as administrators, and the developers as users. */
function admitted(vm: string, zone: string, infra: string, developers: string): Record<string, Recorded> {
  const where = { project: "local-project", zone };
  const bindings = [
    { role: "roles/compute.osAdminLogin", members: [infra], condition: always },
    { role: "roles/compute.osLogin", members: [developers], condition: always },
  ];
  return {
    [`devs-${vm}-login`]: [
      "gcp:compute/instanceIAMPolicy:InstanceIAMPolicy",
      { ...where, instanceName: vm, policyData: JSON.stringify({ bindings }) },
    ],
    [`devs-${vm}-tunnel`]: [
      "gcp:iap/tunnelInstanceIAMBinding:TunnelInstanceIAMBinding",
      {
        ...where,
        instance: vm,
        role: "roles/iap.tunnelResourceAccessor",
        members: [developers, infra],
        condition: { title: "ssh", description: "nixos-fleet: SSH alone", expression: "destination.port == 22" },
      },
    ],
  };
}

/** The right to act as the VMs' account, and nobody else's. */
function actsAs(...members: string[]): Record<string, Recorded> {
  return {
    "devs-account-users": [
      "gcp:serviceaccount/iAMBinding:IAMBinding",
      {
        serviceAccountId: `projects/local-project/serviceAccounts/${email}`,
        role: "roles/iam.serviceAccountUser",
        members,
        condition: always,
      },
    ],
  };
}

/** An approval and its gate. */
async function wave(name: string, settings: Record<string, string>): Promise<Record<string, Recorded>> {
  const revision = await program.head();
  return {
    [`devs-${name}-approval`]: [
      "gcp:compute/projectMetadataItem:ProjectMetadataItem",
      {
        key: `nixos-fleet--devs--inputs--${name}`,
        value: JSON.stringify({ revision, lock, repository: "https://git.example.invalid/config.git", branch: "main" }),
      },
    ],
    [`devs-${name}-gate`]: [
      "command:local:Command",
      {
        create: "exec ../../scripts/fleet await",
        delete: "../../scripts/fleet await --forget || true",
        logging: "stderr",
        environment: {
          NIXOS_FLEET_FLEET: "devs",
          NIXOS_FLEET_STACK: "inputs",
          NIXOS_FLEET_PROJECT: "local-project",
          NIXOS_FLEET_WAVE: name,
          NIXOS_FLEET_REVISION: revision,
          NIXOS_FLEET_PAUSE: "0",
          NIXOS_FLEET_ON_FAILURE: "hold",
          NIXOS_FLEET_HOMES: "report",
          ...settings,
        },
      },
    ],
  };
}

/** A VM's inputs; what `own` says stands for what differs from VM to VM. */
function vm(own: Record<string, unknown>, described: object, labels: Record<string, string>): Recorded {
  return [
    "gcp:compute/instance:Instance",
    {
      zone: "europe-west1-b",
      machineType: "e2-standard-4",
      bootDisk: { initializeParams: { image: "nixos-fleet", size: 100, type: "pd-balanced" } },
      networkInterfaces: [{ subnetwork: "regions/europe-west1/subnetworks/devs-subnet-*" }],
      shieldedInstanceConfig: { enableSecureBoot: false, enableVtpm: true, enableIntegrityMonitoring: true },
      serviceAccount: { email, scopes: ["https://www.googleapis.com/auth/cloud-platform"] },
      tags: ["nixos-fleet-devs"],
      metadata: {
        "startup-script": script,
        "enable-oslogin": "TRUE",
        "enable-guest-attributes": "TRUE",
        "block-project-ssh-keys": "TRUE",
        "serial-port-enable": "FALSE",
        "nixos-fleet": JSON.stringify(described),
      },
      labels: { "nixos-fleet": "devs", "nixos-fleet-stack": "inputs", ...labels },
      ...own,
    },
  ];
}

const settings = {
  contract: 2,
  fleet: "devs",
  stack: "inputs",
  host: "dev-alice",
  wave: "all",
  repository: "https://git.example.invalid/config.git",
  branch: "main",
  directory: "/etc/nixos",
  follow: "branch",
};

describe("the program", () => {
  it("declares the smallest stack, finds it unchanged, and takes all of it away", async () => {
    program.configure({ "nixos-fleet:deletionProtection": "false", "nixos-fleet:vms": [{ name: "dev-alice" }] });
    const up = await program.run("up");
    expect(up.exitCode, up.text).toBe(0);
    expect(await program.resources()).toEqual({
      ...apis,
      ...network("10.128.0.0/20"),
      ...account,
      ...(await wave("all", {
        NIXOS_FLEET_MEMBERS: "dev-alice",
        NIXOS_FLEET_MAX_FAILURES: "0",
        NIXOS_FLEET_TIMEOUT: "1200",
        NIXOS_FLEET_BOOT_TIMEOUT: "900",
      })),
      "devs-dev-alice-vm": vm(
        { name: "dev-alice", deletionProtection: false },
        { ...settings, homes: [] },
        { "nixos-fleet-wave": "all" },
      ),
    });
    expect(await program.changes()).toEqual({});

    const again = await program.run("up", "--expect-no-changes");
    expect(again.exitCode, again.text).toBe(0);

    const held = await program.fleet("hold", "--why", "a person's hold goes with the fleet", "--stack", "inputs");
    expect(held.exitCode, held.text).toBe(0);
    const destroy = await program.run("destroy");
    expect(destroy.exitCode, destroy.text).toBe(0);
    expect(await program.resources()).toEqual({});
    expect(program.cloud.store.state.resources).toEqual({});
    expect(program.cloud.store.state.project.metadata.items ?? []).toEqual([]);
    expect(program.cloud.store.state.iam).toEqual({ accounts: {}, policies: {} });
    expect(program.cloud.machines.specs.size).toBe(0);
  });

  it("declares a full stack; where VMs are protected a destroy changes nothing", async () => {
    program.configure({
      "nixos-fleet:follow": "approved",
      "nixos-fleet:directory": "/srv/config",
      "nixos-fleet:network": { cidr: "10.9.0.0/24" },
      "nixos-fleet:defaults": { machineType: "e2-standard-2", diskSizeGb: 50 },
      "nixos-fleet:bootTimeout": "10m",
      "nixos-fleet:teams": { infra: ["group:infra@example.com"], developers: ["group:devs@example.com"] },
      "nixos-fleet:vms": [
        { name: "dev-canary", owner: "Infra@example.com" },
        {
          name: "dev-alice",
          host: "workstation",
          zone: "europe-west1-c",
          machineType: "n2-standard-4",
          diskSizeGb: 200,
          homes: [{ user: "alice" }],
          labels: { "cost-centre": "research" },
        },
      ],
      "nixos-fleet:waves": [
        { name: "canary", vms: ["dev-canary"], timeout: "5m", homes: "gate" },
        {
          name: "rest",
          rest: true,
          maxFailures: "10%",
          timeout: "1h",
          pause: "1s",
          onFailure: "rollback",
        },
      ],
    });
    const up = await program.run("up");
    expect(up.exitCode, up.text).toBe(0);
    const everywhere = { ...settings, directory: "/srv/config", follow: "approved" };
    expect(await program.resources()).toEqual({
      ...apis,
      ...network("10.9.0.0/24"),
      ...account,
      ...admitted("dev-canary", "europe-west1-b", "group:infra@example.com", "group:devs@example.com"),
      ...admitted("dev-alice", "europe-west1-c", "group:infra@example.com", "group:devs@example.com"),
      ...actsAs("group:devs@example.com", "group:infra@example.com"),
      ...(await wave("canary", {
        NIXOS_FLEET_MEMBERS: "dev-canary",
        NIXOS_FLEET_LATER_WAVES: "rest",
        NIXOS_FLEET_MIN_SUCCEEDED: "1",
        NIXOS_FLEET_MAX_FAILURES: "0",
        NIXOS_FLEET_TIMEOUT: "300",
        NIXOS_FLEET_BOOT_TIMEOUT: "600",
        NIXOS_FLEET_HOMES: "gate",
      })),
      ...(await wave("rest", {
        NIXOS_FLEET_MEMBERS: "dev-alice",
        NIXOS_FLEET_MAX_FAILURES: "10%",
        NIXOS_FLEET_TIMEOUT: "3600",
        NIXOS_FLEET_BOOT_TIMEOUT: "600",
        NIXOS_FLEET_PAUSE: "1",
        NIXOS_FLEET_ON_FAILURE: "rollback",
      })),
      "devs-dev-canary-vm": vm(
        {
          name: "dev-canary",
          deletionProtection: true,
          machineType: "e2-standard-2",
          bootDisk: { initializeParams: { image: "nixos-fleet", size: 50, type: "pd-balanced" } },
        },
        { ...everywhere, host: "dev-canary", wave: "canary", homes: [] },
        { "nixos-fleet-wave": "canary", "nixos-fleet-owner": "infra_example_com" },
      ),
      "devs-dev-alice-vm": vm(
        {
          name: "dev-alice",
          zone: "europe-west1-c",
          deletionProtection: true,
          machineType: "n2-standard-4",
          bootDisk: { initializeParams: { image: "nixos-fleet", size: 200, type: "pd-balanced" } },
        },
        { ...everywhere, host: "workstation", wave: "rest", homes: [{ user: "alice", attribute: "alice" }] },
        { "nixos-fleet-wave": "rest", "cost-centre": "research" },
      ),
    });
    expect(await program.changes()).toEqual({});

    // The preview, which people do not skip, refuses before anything is taken away.
    const before = await program.resources();
    const destroy = await program.run("destroy", "--skip-preview=false");
    expect(destroy.exitCode).not.toBe(0);
    expect(destroy.text).toMatch(/dev-canary-vm.* cannot be deleted/s);
    expect(await program.resources()).toEqual(before);
    expect([...program.cloud.machines.specs.keys()].sort()).toEqual(["dev-alice", "dev-canary"]);
  });
});
