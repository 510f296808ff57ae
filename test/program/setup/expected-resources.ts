/** The resources of fleet devs in stack inputs, with every input as the engine hands it to the provider. */
import { expect } from "vitest";
import { digest } from "../../../infra/config/digest";
import { startupLoader, startupScript } from "../../../infra/startup";
import type { Recorded } from "./recorded";

const script = startupScript();
const loader = startupLoader({ fleet: "devs", stack: "inputs" }, script);
const lock = digest(Buffer.from("{}"));

export function network(cidr: string): Record<string, Recorded> {
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
export const account: Record<string, Recorded> = {
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

/** What every VM runs at its first boot. */
export const startup: Record<string, Recorded> = {
  "devs-startup-script": [
    "gcp:compute/projectMetadataItem:ProjectMetadataItem",
    { key: "nixos-fleet-startup--devs--inputs", value: script },
  ],
};

/** The APIs of a stack without optional parts. */
export const apis: Record<string, Recorded> = Object.fromEntries(
  ["compute", "iam", "iap", "cloudresourcemanager", "oslogin", "logging"].map((api) => [
    `devs-api-${api}`,
    ["gcp:projects/service:Service", { service: `${api}.googleapis.com`, disableOnDestroy: false }] satisfies Recorded,
  ]),
);

const always = { title: "nixos-fleet", expression: 'request.time >= timestamp("2020-01-01T00:00:00Z")' };

/** What lets the infra team log in to one VM as administrators, and the developers as users. */
export function admitted(vm: string, zone: string, infra: string, developers: string): Record<string, Recorded> {
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

/** The right to act as the VMs' account, and no one else's. */
export function actsAs(...members: string[]): Record<string, Recorded> {
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

/** The right to read the project and nothing else there, in a role of the stack's own. */
export function readProject(...members: string[]): Record<string, Recorded> {
  const id = "nixosFleet\\.projectReader\\.[0-9a-f]{8}";
  return {
    "devs-project-reader-role": [
      "gcp:projects/iAMCustomRole:IAMCustomRole",
      {
        roleId: expect.stringMatching(`^${id}$`) as string,
        title: "Project readers of fleet devs, stack inputs",
        permissions: ["compute.projects.get"],
      },
    ],
    "devs-project-readers": [
      "gcp:projects/iAMBinding:IAMBinding",
      {
        project: "local-project",
        role: expect.stringMatching(`^projects/local-project/roles/${id}$`) as string,
        members,
      },
    ],
  };
}

/** An approval and its gate. */
export function wave(revision: string, name: string, settings: Record<string, string>): Record<string, Recorded> {
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
export function vm(own: Record<string, unknown>, described: object, labels: Record<string, string>): Recorded {
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
        "startup-script": loader,
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

export const settings = {
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
