/** What no fleet may be: resources that break each rule of the policy pack. */
import * as compute from "@pulumi/gcp/compute";
import { IAMMember } from "@pulumi/gcp/projects";
import { Bucket } from "@pulumi/gcp/storage";

new compute.Firewall("open", {
  network: "default",
  sourceRanges: ["0.0.0.0/0"],
  allows: [{ protocol: "tcp", ports: ["20-25"] }],
});
new compute.Instance("open", {
  zone: "europe-west1-b",
  machineType: "e2-small",
  bootDisk: { initializeParams: { image: "nixos-fleet" } },
  networkInterfaces: [{ network: "default", accessConfigs: [{}] }],
  serviceAccount: { email: "123-compute@developer.gserviceaccount.com", scopes: ["cloud-platform"] },
  shieldedInstanceConfig: { enableVtpm: false, enableIntegrityMonitoring: false },
  metadata: { "deploy-key": "-----BEGIN OPENSSH PRIVATE KEY-----\nplanted-secret" },
});
new IAMMember("open", { project: "acme-dev", role: "roles/editor", member: "user:eve@example.com" });
new compute.InstanceIAMPolicy("open", {
  zone: "europe-west1-b",
  instanceName: "dev-alice",
  policyData: JSON.stringify({ bindings: [{ role: "roles/compute.osLogin", members: ["allAuthenticatedUsers"] }] }),
});
new Bucket("open", { location: "EU" });
