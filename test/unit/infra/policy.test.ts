import { describe, expect, it } from "vitest";
import { opensPort } from "../../../policy/firewall";
import { tooWide } from "../../../policy/grants";
import type { Inputs } from "../../../policy/inputs";
import { RULES } from "../../../policy/rules";
import { secretKind } from "../../../policy/secrets";

const INSTANCE = "gcp:compute/instance:Instance";

const good: Inputs = {
  networkInterfaces: [{ subnetwork: "devs-subnet" }],
  metadata: { "enable-oslogin": "TRUE", "block-project-ssh-keys": "TRUE", "nixos-fleet": "{}" },
  shieldedInstanceConfig: { enableSecureBoot: false, enableVtpm: true, enableIntegrityMonitoring: true },
  labels: { "nixos-fleet": "devs", "nixos-fleet-stack": "dev", "nixos-fleet-wave": "canary" },
};

/** The names of the rules that a resource breaks. */
const broken = (type: string, inputs: Inputs) =>
  RULES.filter(({ check }) => check(type, inputs).length > 0).map(({ name }) => name);

describe("a VM", () => {
  it("of the fleet's own making breaks no rule", () => expect(broken(INSTANCE, good)).toEqual([]));

  it.each<[rule: string, change: Inputs]>([
    ["no-external-ip", { networkInterfaces: [{}, { accessConfigs: [{}] }] }],
    ["no-external-ip", { networkInterfaces: [{ ipv6AccessConfigs: [{ networkTier: "PREMIUM" }] }] }],
    ["os-login", { metadata: { "enable-oslogin": "FALSE", "block-project-ssh-keys": "TRUE" } }],
    ["os-login", { metadata: { "enable-oslogin": "TRUE" } }],
    ["os-login", { metadata: { ...(good["metadata"] as Inputs), "serial-port-enable": "1" } }],
    ["shielded-vm", { shieldedInstanceConfig: undefined }],
    ["shielded-vm", { shieldedInstanceConfig: { enableVtpm: true, enableIntegrityMonitoring: false } }],
    ["no-default-service-account", { serviceAccount: { scopes: ["cloud-platform"] } }],
    ["no-default-service-account", { serviceAccount: { email: "default" } }],
    ["no-default-service-account", { serviceAccount: { email: "1-compute@developer.gserviceaccount.com" } }],
    ["no-secrets-in-metadata", { metadataStartupScript: "git clone https://bot:hunter2@git.example.com/x.git" }],
    ["labels", { labels: { "nixos-fleet": "devs", "nixos-fleet-stack": "dev" } }],
    ["labels", { labels: undefined }],
  ])("breaks %s alone with %j", (rule, change) => expect(broken(INSTANCE, { ...good, ...change })).toEqual([rule]));

  it("may run as an account of the fleet's own", () =>
    expect(broken(INSTANCE, { ...good, serviceAccount: { email: "vm@acme-dev.iam.gserviceaccount.com" } })).toEqual(
      [],
    ));
});

describe("a project's metadata", () => {
  it.each<[type: string, inputs: Inputs]>([
    ["gcp:compute/projectMetadata:ProjectMetadata", { metadata: { token: `ghp_${"a".repeat(36)}` } }],
    ["gcp:compute/projectMetadataItem:ProjectMetadataItem", { key: "token", value: `ghp_${"a".repeat(36)}` }],
  ])("%s holds no secret, and the message does not repeat it", (type, inputs) => {
    const violations = RULES.flatMap(({ check }) => check(type, inputs));
    expect(violations).toEqual(['metadata "token" holds an access token; keep it in Secret Manager']);
  });
});

describe("a firewall rule", () => {
  const ssh = [{ protocol: "tcp", ports: ["22"] }];
  it.each<[open: boolean, inputs: Inputs]>([
    [true, { sourceRanges: ["0.0.0.0/0"], allows: ssh }],
    [true, { sourceRanges: ["::/0"], allows: ssh }],
    [true, { sourceRanges: ["0.0.0.0/1", "128.0.0.0/1"], allows: ssh }],
    [true, { sourceRanges: ["35.235.240.0/20", "0.0.0.0/0"], allows: ssh }],
    [true, { allows: ssh }],
    [true, { sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "TCP", ports: ["1-1024"] }] }],
    [true, { sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "tcp" }] }],
    [true, { sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "all" }] }],
    [false, { sourceRanges: ["35.235.240.0/20"], allows: ssh }],
    [false, { sourceRanges: ["10.0.0.0/8"], allows: ssh }],
    [false, { sourceRanges: ["198.51.100.7"], allows: ssh }],
    [false, { sourceTags: ["bastion"], allows: ssh }],
    [false, { sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "tcp", ports: ["443", "23-80"] }] }],
    [false, { sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "icmp" }] }],
    [false, { sourceRanges: ["0.0.0.0/0"], denies: ssh }],
    [false, { sourceRanges: ["0.0.0.0/0"], allows: ssh, disabled: true }],
    [false, { direction: "EGRESS", allows: ssh }],
  ])("opens SSH to the world: %s for %j", (open, inputs) => expect(opensPort(inputs, 22)).toBe(open));
});

describe("a grant", () => {
  const member = "serviceAccount:vm@acme-dev.iam.gserviceaccount.com";
  it.each<[violations: number, type: string, inputs: Inputs]>([
    [0, "gcp:projects/iAMMember:IAMMember", { role: "roles/logging.logWriter", member }],
    [1, "gcp:projects/iAMMember:IAMMember", { role: "roles/editor", member }],
    [1, "gcp:projects/iAMMember:IAMMember", { role: "roles/logging.viewer", member: "group:all@example.com" }],
    [2, "gcp:projects/iAMBinding:IAMBinding", { role: "roles/owner", members: [member, "user:eve@example.com"] }],
    [
      0,
      "gcp:projects/iAMBinding:IAMBinding",
      { role: "projects/acme-dev/roles/nixosFleet.projectReader.1a2b3c4d", members: ["group:all@example.com"] },
    ],
    [
      1,
      "gcp:projects/iAMBinding:IAMBinding",
      { role: "projects/acme-dev/roles/nixosFleet.schedules.1a2b3c4d", members: ["group:all@example.com"] },
    ],
    [
      1,
      "gcp:projects/iAMCustomRole:IAMCustomRole",
      {
        roleId: "nixosFleet.projectReader.1a2b3c4d",
        permissions: ["compute.projects.get", "compute.instances.delete"],
      },
    ],
    [
      0,
      "gcp:projects/iAMCustomRole:IAMCustomRole",
      { roleId: "nixosFleet.schedules.1a2b3c4d", permissions: ["compute.instances.start"] },
    ],
    [
      0,
      "gcp:compute/instanceIAMMember:InstanceIAMMember",
      { role: "roles/compute.osLogin", member: "user:a@example.com" },
    ],
    [1, "gcp:storage/bucketIAMMember:BucketIAMMember", { role: "roles/storage.objectViewer", member: "allUsers" }],
    [1, "gcp:secretmanager/secretIamMember:SecretIamMember", { role: "roles/x", member: "allAuthenticatedUsers" }],
    ...["compute/instanceIAMPolicy:InstanceIAMPolicy", "storage/bucketIAMPolicy:BucketIAMPolicy"].flatMap(
      (type): [number, string, Inputs][] => {
        const policy = (...bindings: object[]): Inputs => ({ policyData: JSON.stringify({ bindings }) });
        const login = { role: "roles/compute.osLogin", members: ["group:devs@example.com"] };
        return [
          [0, `gcp:${type}`, policy(login)],
          [0, `gcp:${type}`, policy()],
          [0, `gcp:${type}`, { policyData: "no JSON" }],
          [0, `gcp:${type}`, {}],
          [1, `gcp:${type}`, policy(login, { role: "roles/compute.osLogin", members: ["allAuthenticatedUsers"] })],
          [2, `gcp:${type}`, policy({ role: "roles/owner", members: [member, "allUsers"] }, login)],
        ];
      },
    ),
    [
      1,
      "gcp:projects/iAMPolicy:IAMPolicy",
      { policyData: JSON.stringify({ bindings: [{ role: "roles/viewer2", members: ["user:a@example.com"] }] }) },
    ],
    [0, "gcp:compute/disk:Disk", { member: "allUsers", role: "roles/owner" }],
  ])("has %d violations: %s, %j", (violations, type, inputs) => expect(tooWide(type, inputs)).toHaveLength(violations));
});

describe("a bucket", () => {
  const shut = { publicAccessPrevention: "enforced", uniformBucketLevelAccess: true };
  it.each<[string[], Inputs]>([
    [[], shut],
    [["private-buckets"], { ...shut, publicAccessPrevention: "inherited" }],
    [["private-buckets"], { ...shut, uniformBucketLevelAccess: undefined }],
  ])("breaks %j with %j", (rules, inputs) => expect(broken("gcp:storage/bucket:Bucket", inputs)).toEqual(rules));
});

describe("a secret", () => {
  it.each([
    ["-----BEGIN PRIVATE KEY-----", "a private key"],
    ["-----BEGIN OPENSSH PRIVATE KEY-----", "a private key"],
    ["-----BEGIN PGP PRIVATE KEY BLOCK-----", "a private key"],
    ["https://x-access-token:abc@git.example.com/x", "a URL with a password"],
    [`AKIA${"A".repeat(16)}`, "a cloud access key"],
    ["ssh://git@git.example.com/infra/config.git", undefined],
    ["https://git.example.com:8443/a@b", undefined],
    ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 alice@example.com", undefined],
    ["-----BEGIN PUBLIC KEY-----", undefined],
  ])("%s is %s", (text, kind) => expect(secretKind(text)).toBe(kind));
});
