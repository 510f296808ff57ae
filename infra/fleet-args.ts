/** The arguments of a `Fleet`, and how they and the stack's configuration become one raw configuration. */
import * as pulumi from "@pulumi/pulumi";
import { NAMESPACE, type RawConfig } from "./config/fleet-config";
import type { FleetSettings } from "./config/fleet-settings";
import { HIDDEN } from "./config/secrets";

/** A network that exists already. */
export interface ExistingNetwork {
  /** The network's self link; the fleet adds its rule for SSH through IAP. */
  network: pulumi.Input<string>;
  /** Self link of a subnetwork in the fleet's region. The network itself must give its VMs access to the Internet and Google's APIs. */
  subnetwork: pulumi.Input<string>;
}

/**
 * A fleet's settings. Each key is a key of the stack's configuration (`nixos-fleet:KEY`, docs/reference/settings.md) and overrides it; a
 * key that is absent here is read there. Settings are plain values: they decide which resources exist, so a preview has to know them.
 */
export interface FleetArgs extends Partial<
  Omit<
    FleetSettings,
    | "deployKey"
    | "deployKeys"
    | "homeDeployKeys"
    | "sshPrivateKey"
    | "resolveFrom"
    | "existingNetwork"
    | "serviceAccount"
  >
> {
  /** The project of the fleet. The provider must use the same one. @default `gcp:project` */
  project?: string | undefined;
  /** The region of the fleet's subnetwork: the provider's. @default `gcp:region` */
  region?: string | undefined;
  /** The zone of VMs that name none. @default `gcp:zone`, or the region's zone b */
  zone?: string | undefined;
  /** A JSON file with the list of VMs, which the flake may read too, instead of `vms`. Relative to the program's directory. */
  vmsFile?: string | undefined;
  /** Where this program reads the config repository. @default `repository` */
  resolveFrom?: string | undefined;
  /** Use this network instead of making one. `network.cidr` then has no effect. @default `nixos-fleet:existingNetwork` */
  existingNetwork?: ExistingNetwork | undefined;
  /**
   * The address of an account for the VMs to run as, instead of a new one. It needs `roles/logging.logWriter` and
   * `roles/monitoring.metricWriter` in the project. The fleet grants these roles only to an account that it creates.
   */
  serviceAccount?: pulumi.Input<string> | undefined;
  /** The config repository's SSH private key or access token. @default the secret `nixos-fleet:deployKey` */
  deployKey?: pulumi.Input<string> | undefined;
  /** The same for the inputs of the flake, by host or by the start of their URL. @default the secret `nixos-fleet:deployKeys` */
  deployKeys?: Record<string, pulumi.Input<string>> | undefined;
  /** The same for homes' own repositories, by their URL. @default the secret `nixos-fleet:homeDeployKeys` */
  homeDeployKeys?: Record<string, pulumi.Input<string>> | undefined;
  /** The private key of SSH triggers. @default the secret `nixos-fleet:sshPrivateKey` */
  sshPrivateKey?: pulumi.Input<string> | undefined;
}

/** A raw configuration, and the full keys of its secrets. */
export interface Written {
  raw: RawConfig;
  /** Undefined if it is not known. */
  encrypted: string[] | undefined;
}

/**
 * The stack's configuration, in which the arguments replace the same keys. A placeholder replaces a secret's value, which goes directly
 * from the program to its resource. Pure.
 * @param name the component's name, which is the default of the fleet's name
 */
export function withArgs(name: string, args: FleetArgs, stack: Written): Written {
  const { existingNetwork: _, serviceAccount: __, project, region, zone, ...settings } = args;
  const { deployKey, deployKeys, homeDeployKeys, sshPrivateKey, ...plain } = settings;
  const hidden = (keys: object) => Object.fromEntries(Object.keys(keys).map((url) => [url, HIDDEN]));
  const secrets = {
    ...(deployKey === undefined ? {} : { deployKey: HIDDEN }),
    ...(deployKeys === undefined ? {} : { deployKeys: hidden(deployKeys) }),
    ...(homeDeployKeys === undefined ? {} : { homeDeployKeys: hidden(homeDeployKeys) }),
    ...(sshPrivateKey === undefined ? {} : { sshPrivateKey: HIDDEN }),
  };
  const given = { ...prefixed("gcp", { project, region, zone }), ...prefixed(NAMESPACE, { ...plain, ...secrets }) };
  const { encrypted } = stack;
  // An argument with the list of VMs, in either form, replaces the stack's list in either form.
  const lists = [`${NAMESPACE}:vms`, `${NAMESPACE}:vmsFile`];
  const isGiven = lists.some((key) => key in given);
  const kept = Object.entries(stack.raw).filter(([key]) => !isGiven || !lists.includes(key));
  return {
    raw: { ...prefixed(NAMESPACE, { fleet: name }), ...Object.fromEntries(kept), ...given },
    encrypted: encrypted && [...encrypted, ...Object.keys(secrets).map((key) => `${NAMESPACE}:${key}`)],
  };
}

/** The arguments with secrets marked as secrets: the engine keeps a component's arguments in the state. */
export function withSecrets(args: FleetArgs): FleetArgs {
  const { deployKey, deployKeys, homeDeployKeys, sshPrivateKey, ...rest } = args;
  const secrets = (keys: Record<string, pulumi.Input<string>>) =>
    Object.fromEntries(Object.entries(keys).map(([url, key]) => [url, pulumi.secret(key)]));
  return {
    ...rest,
    ...(deployKey === undefined ? {} : { deployKey: pulumi.secret(deployKey) }),
    ...(deployKeys === undefined ? {} : { deployKeys: secrets(deployKeys) }),
    ...(homeDeployKeys === undefined ? {} : { homeDeployKeys: secrets(homeDeployKeys) }),
    ...(sshPrivateKey === undefined ? {} : { sshPrivateKey: pulumi.secret(sshPrivateKey) }),
  };
}

/** Values in Pulumi's form, by their full key; undefined values are left out. */
function prefixed(namespace: string, values: object): Record<string, string> {
  const set = Object.entries(values).filter(([, value]) => value !== undefined) as [string, unknown][];
  return Object.fromEntries(
    set.map(([key, value]) => [`${namespace}:${key}`, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}
