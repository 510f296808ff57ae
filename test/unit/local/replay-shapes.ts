/** What the provider's sources read of an answer; without one of these it would show a difference at each run, or stop. */
import { expect } from "vitest";

const text = expect.any(String) as string;
const list = expect.any(Array) as unknown[];

/** Compute: kind → paths of fields, by the functions of the same resource (`resourceComputeInstanceRead` and the like). */
export const fieldsRead: Readonly<Record<string, readonly string[]>> = {
  "compute#instance": [
    ...[
      "id",
      "name",
      "zone",
      "selfLink",
      "status",
      "machineType",
      "creationTimestamp",
      "labelFingerprint",
      "fingerprint",
    ],
    ...["metadata.fingerprint", "tags.fingerprint", "scheduling", "canIpForward", "deletionProtection", "cpuPlatform"],
    ...["disks[0].source", "disks[0].deviceName", "disks[0].boot", "disks[0].autoDelete", "disks[0].mode"],
    ...["networkInterfaces[0].network", "networkInterfaces[0].subnetwork", "networkInterfaces[0].networkIP"],
    ...["networkInterfaces[0].name", "networkInterfaces[0].fingerprint", "networkInterfaces[0].stackType"],
  ],
  "compute#disk": [
    "id",
    "name",
    "zone",
    "selfLink",
    "sizeGb",
    "type",
    "status",
    "labelFingerprint",
    "creationTimestamp",
  ],
  "compute#network": [
    "id",
    "name",
    "selfLink",
    "autoCreateSubnetworks",
    "routingConfig.routingMode",
    "creationTimestamp",
  ],
  "compute#subnetwork": [
    ...["id", "name", "selfLink", "network", "region", "ipCidrRange", "gatewayAddress", "fingerprint"],
    ...["privateIpGoogleAccess", "purpose", "stackType", "creationTimestamp"],
  ],
  "compute#router": ["id", "name", "selfLink", "network", "region", "creationTimestamp"],
  "compute#firewall": ["id", "name", "selfLink", "network", "direction", "priority", "disabled", "creationTimestamp"],
  "compute#image": [
    "id",
    "name",
    "selfLink",
    "family",
    "diskSizeGb",
    "status",
    "creationTimestamp",
    "labelFingerprint",
  ],
  "compute#resourcePolicy": ["id", "name", "selfLink", "region", "status", "creationTimestamp"],
  "compute#operation": ["id", "name", "selfLink", "status", "operationType", "targetLink", "insertTime", "progress"],
  "compute#project": ["id", "name", "selfLink", "commonInstanceMetadata.fingerprint", "defaultServiceAccount"],
};

/** The other APIs, by request: their own reference's fields and types, as far as the provider reads them. The first one counts. */
export const otherShapes: [RegExp, object][] = [
  [/IamPolicy|\/iam\?/, { version: expect.any(Number) as number, bindings: list, etag: text }],
  [/^DELETE \/iam\/.*\/roles\//, { name: text, deleted: true }],
  [/^DELETE /, {}],
  [/\/iam\/.*\/serviceAccounts/, { name: text, email: text, uniqueId: text, projectId: text, displayName: text }],
  [/\/iam\/.*\/roles/, { name: text, title: text }],
  [/^GET \/serviceusage\//, { services: list }],
  [/^POST \/serviceusage\//, { done: true }],
  [/\/cloudbilling\//, { projectId: text, billingEnabled: true, billingAccountName: text }],
  [/^GET \/cloudresourcemanager\/v1\/projects\//, { projectId: text, projectNumber: text, lifecycleState: "ACTIVE" }],
  [/\/logging\/.*\/metrics/, { name: text }],
  [/\/monitoring\//, { name: text }],
  [/\/storage\/.*\/anywhereCaches/, { items: list }],
  [/\/storage\/.*\/o\?/, { kind: "storage#objects" }],
  [/\/storage\/.*\/b/, { kind: "storage#bucket", name: text, selfLink: text, location: text, storageClass: text }],
  [/\/secretmanager\/.*(\/versions\/|:addVersion)/, { name: text, state: text, createTime: text }],
  [/\/secretmanager\//, { name: text, createTime: text, replication: {} }],
];
