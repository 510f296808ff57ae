/** A fleet inside a larger program: it uses the company's network and an account of its own, and others build on its outputs. */
import * as compute from "@pulumi/gcp/compute";
import { RecordSet } from "@pulumi/gcp/dns";
import { IAMMember } from "@pulumi/gcp/projects";
import { Account } from "@pulumi/gcp/serviceaccount";
import { Fleet } from "nixos-fleet";

const project = "acme-dev-machines";
const region = "europe-west1";
const office = compute.getSubnetworkOutput({ name: "office", region });
const account = new Account("workstations", { project, accountId: "workstations", displayName: "Developer VMs" });
// VMs write their logs and metrics as this account. A fleet grants roles only to an account that it creates.
for (const role of ["logging.logWriter", "monitoring.metricWriter"])
  new IAMMember(role, { project, role: `roles/${role}`, member: account.member });

export const fleet = new Fleet("research", {
  project,
  region,
  repository: "https://git.example.com/infra/nixos-config.git",
  existingNetwork: { network: office.network, subnetwork: office.selfLink },
  serviceAccount: account.email,
  teams: { infra: ["group:infra@example.com"], developers: ["group:research@example.com"] },
  vms: [{ name: "dev-canary" }, { name: "dev-alice", owner: "alice@example.com", homes: [{ user: "alice" }] }],
  waves: [
    { name: "canary", vms: ["dev-canary"], reboot: "required" },
    { name: "rest", rest: true },
  ],
});

new RecordSet("dev-alice", {
  managedZone: "internal",
  name: "dev-alice.internal.example.com.",
  type: "A",
  ttl: 300,
  rrdatas: [fleet.vms.apply((vms) => vms["dev-alice"]?.address ?? "")],
});

export const { subnetwork, serviceAccount, waves } = fleet;
