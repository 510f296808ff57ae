/** `examples/library`: a fleet in a network and with an account that its program has already. Every child and its inputs. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { apiServer } from "../../../local/api/server";
import { digest } from "../../../infra/config/digest";
import { startupLoader, startupScript } from "../../../infra/startup";
import { emptyState } from "../../../local/api/types";
import { memoryCloud } from "../local/local-machines";

const scratch = mkdtempSync(join(tmpdir(), "nixos-fleet-library-"));
const repository = join(scratch, "config");
const cloud = memoryCloud(emptyState("acme-dev-machines", "2026-06-01T10:00:00.000Z"));
const server = apiServer(cloud);
/** Who read the project before anything was declared, and whom that is billed to. */
const readers = new Set<string>();
server.on("request", ({ headers }) => {
  readers.add(`${headers.authorization} for ${String(headers["x-goog-user-project"])}`);
});

// Of a Shared VPC.
const network = "https://www.googleapis.com/compute/v1/projects/acme-networks/global/networks/office";
const subnetwork = "projects/acme-networks/regions/europe-west1/subnetworks/office";
const email = "workstations@acme-dev-machines.iam.gserviceaccount.com";

type Inputs = Record<string, unknown>;

/** What was declared, by name: the type, and the inputs. */
const declared = new Map<string, { type: string; inputs: Inputs }>();

/** What Google would say of a resource besides its inputs. */
function stateOf(type: string, name: string, inputs: Inputs): Inputs {
  if (type === "gcp:serviceaccount/account:Account")
    return { ...inputs, email, member: `serviceAccount:${email}`, name: `projects/-/accounts/${email}` };
  if (type === "gcp:compute/instance:Instance")
    return { ...inputs, selfLink: `links/${name}`, networkInterfaces: [{ networkIp: `10.0.0.${declared.size}` }] };
  if (type === "command:local:Command") return { ...inputs, stdout: '{"outcome":"passed","succeeded":1}' };
  return { name, ...inputs };
}

type Example = typeof import("../../../examples/library/index.js");
let example: Example;
let revision = "";

beforeAll(async () => {
  const git = (...args: string[]) => execFileSync("git", args, { cwd: scratch, encoding: "utf8" }).trim();
  git("init", "--quiet", "--initial-branch=main", repository);
  writeFileSync(join(repository, "flake.lock"), "{}");
  git("-C", repository, "add", ".");
  git("-C", repository, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message=x");
  revision = git("-C", repository, "rev-parse", "HEAD");
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  vi.stubEnv("NIXOS_FLEET_COMPUTE_ENDPOINT", `http://127.0.0.1:${port}/compute/v1/`);
  vi.stubEnv("USER_PROJECT_OVERRIDE", "true");
  vi.stubEnv("GIT_CONFIG_COUNT", "1");
  vi.stubEnv("GIT_CONFIG_KEY_0", `url.${repository}.insteadOf`);
  vi.stubEnv("GIT_CONFIG_VALUE_0", "https://git.example.com/infra/nixos-config.git");
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        declared.set(name, { type, inputs: inputs as Inputs });
        return { id: `${name}-id`, state: stateOf(type, name, inputs as Inputs) };
      },
      call: ({ token }) => {
        if (token === "gcp:compute/getSubnetwork:getSubnetwork") return { network, selfLink: subnetwork };
        if (token === "gcp:organizations/getClientConfig:getClientConfig")
          return { accessToken: "a-token", project: "acme-dev-machines" };
        throw new Error(`${token} is not expected`);
      },
    },
    "acme-research",
    "prod",
  );
  example = await import("../../../examples/library/index.js");
  // Everything is declared once the last output is there.
  await valueOf(example.waves);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  server.close();
  server.closeAllConnections();
  await cloud.operations.settled();
  rmSync(scratch, { recursive: true, force: true });
});

function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}

function ofType(type: string): string[] {
  return [...declared].filter(([, one]) => one.type === type).map(([name]) => name);
}

it("reads the project with the provider's token, billed as the provider's calls are", () => {
  expect([...readers]).toEqual(["Bearer a-token for acme-dev-machines"]);
});

describe("a fleet in a network that exists", () => {
  it("makes no network, and adds its rule for SSH to the one that it is given, in the network's project", () => {
    for (const type of ["network:Network", "subnetwork:Subnetwork", "router:Router", "routerNat:RouterNat"])
      expect(ofType(`gcp:compute/${type}`), type).toEqual([]);
    expect(declared.get("research-ssh-from-iap")?.inputs).toEqual({
      project: "acme-networks",
      network,
      direction: "INGRESS",
      sourceRanges: ["35.235.240.0/20"],
      targetTags: ["nixos-fleet-research"],
      allows: [{ protocol: "tcp", ports: ["22"] }],
    });
  });

  it("makes no account: its VMs run as the one that it is given, and those who log in may act as that", () => {
    expect(ofType("gcp:serviceaccount/account:Account")).toEqual(["workstations"]);
    // The program's own: a fleet grants nothing to an account that it did not make.
    expect(ofType("gcp:projects/iAMMember:IAMMember").map((name) => declared.get(name)?.inputs)).toEqual(
      ["roles/logging.logWriter", "roles/monitoring.metricWriter"].map((role) => ({
        project: "acme-dev-machines",
        role,
        member: `serviceAccount:${email}`,
      })),
    );
    expect(declared.get("research-account-users")?.inputs).toMatchObject({
      serviceAccountId: `projects/-/serviceAccounts/${email}`,
      role: "roles/iam.serviceAccountUser",
      members: expect.arrayContaining(["group:infra@example.com"]) as string[],
      // Another stack that uses the account has a binding of its own.
      condition: { description: expect.stringMatching(/^nixos-fleet: fleet research, stack \w+$/) as string },
    });
  });

  it("puts its VMs there, and tells each whose it is", () => {
    expect(ofType("gcp:compute/instance:Instance")).toEqual(["research-dev-canary-vm", "research-dev-alice-vm"]);
    const inputs = declared.get("research-dev-alice-vm")?.inputs;
    expect(inputs).toEqual({
      name: "dev-alice",
      zone: "europe-west1-b",
      machineType: "e2-standard-4",
      bootDisk: { initializeParams: { image: "nixos-fleet", size: 100, type: "pd-balanced" } },
      networkInterfaces: [{ subnetwork }],
      labels: {
        "nixos-fleet": "research",
        "nixos-fleet-stack": "prod",
        "nixos-fleet-wave": "rest",
        "nixos-fleet-owner": "alice_example_com",
      },
      tags: ["nixos-fleet-research"],
      serviceAccount: { email, scopes: ["https://www.googleapis.com/auth/cloud-platform"] },
      shieldedInstanceConfig: { enableSecureBoot: false, enableVtpm: true, enableIntegrityMonitoring: true },
      deletionProtection: true,
      metadata: {
        "startup-script": startupLoader({ fleet: "research", stack: "prod" }, startupScript()),
        "enable-oslogin": "TRUE",
        "enable-guest-attributes": "TRUE",
        "block-project-ssh-keys": "TRUE",
        "serial-port-enable": "FALSE",
        "nixos-fleet": JSON.stringify({
          contract: 2,
          fleet: "research",
          stack: "prod",
          host: "dev-alice",
          wave: "rest",
          repository: "https://git.example.com/infra/nixos-config.git",
          branch: "main",
          directory: "/etc/nixos",
          follow: "branch",
          homes: [{ user: "alice", attribute: "alice" }],
        }),
      },
    });
  });

  it("approves the branch head wave by wave, and calls the gate by a path that no machine changes", () => {
    const source = { repository: "https://git.example.com/infra/nixos-config.git", branch: "main" };
    const approval = { revision, lock: digest(Buffer.from("{}")), ...source };
    for (const wave of ["canary", "rest"]) {
      expect(declared.get(`research-${wave}-approval`)?.inputs).toEqual({
        key: `nixos-fleet--research--prod--${wave}`,
        value: JSON.stringify(approval),
      });
      expect(declared.get(`research-${wave}-gate`)?.inputs["create"]).toBe("exec ./scripts/fleet await");
    }
  });
});

describe("its outputs", () => {
  it("are what others build on", async () => {
    const { fleet } = example;
    expect(await valueOf(fleet.network)).toBe(network);
    expect(await valueOf(fleet.subnetwork)).toBe(subnetwork);
    expect(await valueOf(fleet.serviceAccount)).toBe(email);
    const approved = { revision, gate: "passed: 1 succeeded" };
    expect(await valueOf(fleet.waves)).toEqual({ canary: approved, rest: approved });
    expect(await valueOf(fleet.head)).toBe(revision);
    const { "dev-alice": alice } = await valueOf(fleet.vms);
    expect(alice).toEqual({
      name: "dev-alice",
      zone: "europe-west1-b",
      selfLink: "links/research-dev-alice-vm",
      address: expect.stringMatching(/^10\./) as string,
      wave: "rest",
      owner: "alice@example.com",
      login: "gcloud compute ssh dev-alice --project=acme-dev-machines --zone=europe-west1-b --tunnel-through-iap",
    });
    expect(declared.get("dev-alice")?.inputs["rrdatas"]).toEqual([alice?.address]);
  });
});
