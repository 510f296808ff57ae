/** What must hold for every resource of a fleet. Pure: a resource's type and inputs → what is wrong with it, a line each. */
import { contract } from "../rules/contract";
import { opensPort } from "./firewall";
import { tooWide } from "./grants";
import { isUnknown, flag, list, object, type Inputs } from "./inputs";
import { secretKind } from "./secrets";

interface Rule {
  name: string;
  description: string;
  /** Violations of one resource; none where the rule does not concern it. */
  check: (type: string, inputs: Inputs) => string[];
}

const INSTANCE = "gcp:compute/instance:Instance";
const FIREWALL = "gcp:compute/firewall:Firewall";
const BUCKET = "gcp:storage/bucket:Bucket";
const SSH = 22;

/** Compute's account for VMs that name none: it may edit the whole project. */
const DEFAULT_ACCOUNT = /-compute@developer\.gserviceaccount\.com$/;

/** Where a resource's metadata stands, by its type. */
const METADATA: Record<string, (inputs: Inputs) => Inputs> = {
  [INSTANCE]: ({ metadata, metadataStartupScript }) => ({ ...object(metadata), metadataStartupScript }),
  "gcp:compute/projectMetadata:ProjectMetadata": ({ metadata }) => object(metadata),
  "gcp:compute/projectMetadataItem:ProjectMetadataItem": ({ key, value }) => ({
    [typeof key === "string" ? key : "value"]: value,
  }),
};

const ofInstance = (check: (inputs: Inputs) => string[]) => (type: string, inputs: Inputs) =>
  type === INSTANCE ? check(inputs) : [];

export const RULES: readonly Rule[] = [
  {
    name: "no-external-ip",
    description: "No VM has an address that the internet reaches",
    check: ofInstance(({ networkInterfaces }) =>
      list(networkInterfaces).flatMap((entry, index) =>
        ["accessConfigs", "ipv6AccessConfigs"]
          .filter((key) => list(object(entry)[key]).length > 0)
          .map((key) => `networkInterfaces[${index}].${key} gives the VM an external address; the way out is NAT`),
      ),
    ),
  },
  {
    name: "no-ssh-from-everywhere",
    description: "No firewall rule opens SSH to the world",
    check: (type, inputs) =>
      type === FIREWALL && opensPort(inputs, SSH)
        ? ["opens TCP port 22 to every address; let SSH in from IAP's range only"]
        : [],
  },
  {
    name: "os-login",
    description: "People log in by OS Login alone: no project-wide keys, no serial console",
    check: ofInstance(({ metadata }) => {
      const {
        "enable-oslogin": login,
        "block-project-ssh-keys": block,
        "serial-port-enable": serial,
      } = object(metadata);
      return [
        ...(flag(login) ? [] : ['metadata "enable-oslogin" must be TRUE']),
        ...(flag(block) ? [] : ['metadata "block-project-ssh-keys" must be TRUE']),
        ...(flag(serial)
          ? ['metadata "serial-port-enable" must not be set: the serial console asks for no OS Login']
          : []),
      ];
    }),
  },
  {
    name: "shielded-vm",
    description: "Every VM is a Shielded VM with vTPM and integrity monitoring",
    check: ofInstance(({ shieldedInstanceConfig }) =>
      ["enableVtpm", "enableIntegrityMonitoring"]
        .filter((key) => object(shieldedInstanceConfig)[key] !== true)
        .map((key) => `shieldedInstanceConfig.${key} must be true`),
    ),
  },
  {
    name: "no-default-service-account",
    description: "No VM runs as the project's default service account",
    check: ofInstance(({ serviceAccount }) => {
      if (serviceAccount === undefined || serviceAccount === null) return [];
      const account = object(serviceAccount);
      // An account that is only being made is not the default one; the update itself knows its name.
      if (isUnknown(account, "email")) return [];
      const { email } = account;
      const named = typeof email === "string" && email !== "" && email !== "default" && !DEFAULT_ACCOUNT.test(email);
      return named
        ? []
        : ["serviceAccount.email must name an account of the fleet's own, not the project's default one"];
    }),
  },
  {
    name: "no-secrets-in-metadata",
    description: "Metadata holds no secret: everybody on a VM can read it",
    check: (type, inputs) =>
      Object.entries(METADATA[type]?.(inputs) ?? {}).flatMap(([key, value]) => {
        const kind = typeof value === "string" ? secretKind(value) : undefined;
        return kind === undefined ? [] : [`metadata "${key}" holds ${kind}; keep it in Secret Manager`];
      }),
  },
  {
    name: "labels",
    description: "Every VM carries the labels by which the operator's tool finds it",
    check: ofInstance(({ labels }) =>
      [contract.labels.fleet, contract.labels.stack, contract.labels.wave]
        .filter((key) => (object(labels)[key] ?? "") === "")
        .map((key) => `label "${key}" must be set`),
    ),
  },
  {
    name: "no-wide-grants",
    description:
      "No one gets a basic role, no person a role on the whole project but to read its entry, and the public none at all",
    check: tooWide,
  },
  {
    name: "private-buckets",
    description: "No bucket can be opened to the public, not by an object's own access list either",
    check: (type, { publicAccessPrevention, uniformBucketLevelAccess }) =>
      type !== BUCKET
        ? []
        : [
            ...(publicAccessPrevention === "enforced" ? [] : ['publicAccessPrevention must be "enforced"']),
            ...(uniformBucketLevelAccess === true ? [] : ["uniformBucketLevelAccess must be true"]),
          ],
  },
];
