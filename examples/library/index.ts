/** A fleet inside a larger program: it uses the company's network and an account of its own, and others build on its outputs. */
import * as compute from "@pulumi/gcp/compute";
import { Account } from "@pulumi/gcp/serviceaccount";
import { RecordSet } from "@pulumi/gcp/dns";
import { Fleet } from "nixos-fleet";

const region = "europe-west1";
const office = compute.getSubnetworkOutput({ name: "office", region });
const account = new Account("workstations", { accountId: "workstations", displayName: "Developer VMs" });

export const fleet = new Fleet("research", {
  project: "acme-dev-machines",
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
