/** What a fleet is compared with: a program that declares a network and as many instances, and nothing else. */
const compute = require("@pulumi/gcp/compute");

const region = "europe-west1";
const network = new compute.Network("bare", { autoCreateSubnetworks: false });
const subnetwork = new compute.Subnetwork("bare", { region, network: network.selfLink, ipCidrRange: "10.20.0.0/16" });
for (let number = 1; number <= Number(process.env.BARE_INSTANCES); number++)
  new compute.Instance(`dev-${number}`, {
    name: `dev-${number}`,
    zone: `${region}-b`,
    machineType: "e2-standard-4",
    bootDisk: { initializeParams: { image: "nixos-fleet", size: 100 } },
    networkInterfaces: [{ subnetwork: subnetwork.selfLink }],
  });
