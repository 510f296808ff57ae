import * as pulumi from "@pulumi/pulumi";
import { short } from "../../rules/contract";
import { FleetAccess, FleetAccount } from "./access";
import { FleetApis } from "./apis";
import { FleetCache } from "./cache";
import type { FleetConfig } from "../config/fleet-config";
import { fleetTag } from "../config/names";
import { HomeDisks } from "./disks";
import { HeldBackFailures } from "./held-back";
import { NAMESPACE, withArgs, withSecrets, type FleetArgs } from "../fleet-args";
import { FleetImage, olderImages } from "./image";
import { logins } from "./iam";
import { vmLabels, vmMetadata } from "./metadata";
import { FleetMonitoring } from "./monitoring";
import { FleetNetwork } from "./network";
import { lockHolds } from "../preflight/approval";
import { prepare, type Prepared } from "../preflight/prepare";
import { Rollout } from "./rollout";
import { FleetSchedules } from "./schedules";
import { deployKeyValues, FleetSecrets } from "./secrets";
import { encryptedKeys } from "../preflight/settings";
import { startupScript } from "../startup";
import { DevVm, type DevVmOutputs } from "./vm";
import type { Approval } from "../../rules/approval";

interface FleetOutputs {
  network: pulumi.Output<string>;
  subnetwork: pulumi.Output<string>;
  serviceAccount: pulumi.Output<string>;
  vms: Record<string, DevVmOutputs>;
  addresses: pulumi.Output<Record<string, string>>;
  approvals: pulumi.Output<Record<string, Approval>>;
  gates: pulumi.Output<Record<string, string>>;
  revision: string;
  lock: string;
  inputs: Record<string, string>;
  waves: Record<string, string[]>;
  logins: Record<string, string>;
}

/**
 * The whole fleet of one stack: its network, its VMs, who may use them, and the rollout of one revision to them.
 *
 * @example
 * // Every setting from Pulumi.<stack>.yaml.
 * const fleet = new Fleet("devs");
 * export const { revision, waves, addresses } = fleet;
 */
export class Fleet extends pulumi.ComponentResource<FleetOutputs> {
  /** Self link of the network. */
  readonly network: pulumi.Output<string>;
  /** Self link of the subnetwork. */
  readonly subnetwork: pulumi.Output<string>;
  /** Address of the account that the VMs run as. */
  readonly serviceAccount: pulumi.Output<string>;
  /** The VMs by name. */
  readonly vms: pulumi.Output<pulumi.Unwrap<Record<string, DevVmOutputs>>>;
  /** VM name → address inside the fleet's network. */
  readonly addresses: pulumi.Output<Record<string, string>>;
  /** Wave → what it is approved for after this run. A wave that a person holds before its first approval is not there. */
  readonly approvals: pulumi.Output<Record<string, Approval>>;
  /** Wave → how its gate ended when it last passed, such as `passed: 3 succeeded, 1 deferred`. */
  readonly gates: pulumi.Output<Record<string, string>>;
  /** The branch head that this run resolved, 7 hex digits. */
  readonly revision: pulumi.Output<string>;
  /** SHA-256 of its `flake.lock`, the first 7 hex digits. */
  readonly lock: pulumi.Output<string>;
  /** The lock's own inputs, so that a preview shows which move; `fleet diff --head` says more. */
  readonly inputs: pulumi.Output<Record<string, string>>;
  /** Wave → the names of its VMs, in the order of approval. */
  readonly waves: pulumi.Output<Record<string, string[]>>;
  /** VM name → its owner's user name by OS Login; empty unless `access` is `owners`. */
  readonly logins: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: FleetArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    super("nixos-fleet:infra:Fleet", name, withSecrets(args), opts);
    const made = this.getData();
    this.network = pulumi.output(made.then(({ network }) => network));
    this.subnetwork = pulumi.output(made.then(({ subnetwork }) => subnetwork));
    this.serviceAccount = pulumi.output(made.then(({ serviceAccount }) => serviceAccount));
    this.vms = pulumi.output(made.then(({ vms }) => vms));
    this.addresses = pulumi.output(made.then(({ addresses }) => addresses));
    this.approvals = pulumi.output(made.then(({ approvals }) => approvals));
    this.gates = pulumi.output(made.then(({ gates }) => gates));
    this.revision = pulumi.output(made.then(({ revision }) => revision));
    this.lock = pulumi.output(made.then(({ lock }) => lock));
    this.inputs = pulumi.output(made.then(({ inputs }) => inputs));
    this.waves = pulumi.output(made.then(({ waves }) => waves));
    this.logins = pulumi.output(made.then((outputs) => outputs.logins));
  }

  /** Runs inside the base class' constructor, so nothing that this class' own sets is there yet. */
  protected override async initialize(
    args: FleetArgs,
    _opts?: pulumi.ComponentResourceOptions,
    name = "devs",
  ): Promise<FleetOutputs> {
    // The engine would end the program while it only waits for git.
    const done = pulumi.runtime.rpcKeepAlive();
    try {
      const stack = { raw: pulumi.runtime.allConfig(), encrypted: encryptedKeys() };
      const written = withArgs(name, args, stack);
      const ownNetwork = args.existingNetwork === undefined;
      const prepared = await prepare(written, pulumi.getStack(), ownNetwork, { parent: this });
      return this.declare(name, args, prepared, await HeldBackFailures.create(name));
    } finally {
      done();
    }
  }

  private declare(name: string, args: FleetArgs, prepared: Prepared, failures: HeldBackFailures): FleetOutputs {
    const { config, resolved, rollout: decided } = prepared;
    const stack = new pulumi.Config(NAMESPACE);
    const tag = fleetTag(config.fleet);
    const part = { parent: this, dependsOn: [new FleetApis(name, config, { parent: this })] };
    const network = new FleetNetwork(
      name,
      { region: config.region, cidr: config.network.cidr, tag, existing: args.existingNetwork },
      part,
    );
    const account = new FleetAccount(name, { config, existing: args.serviceAccount }, part);
    const deployKeys = deployKeyValues(args, stack, config.deployKeys);
    const secrets = new FleetSecrets(name, { config, deployKeys, account: account.email }, part);
    const image = config.image && new FleetImage(name, { config, ...config.image }, part);
    const { disks } = new HomeDisks(name, config, prepared.existingHomeDisks, part);
    const script = startupScript();
    const vms = Object.fromEntries(
      config.vms.map((vm) => [
        vm.name,
        new DevVm(
          `${name}-${vm.name}`,
          {
            vm,
            metadata: vmMetadata(config, vm, script),
            labels: vmLabels(config, vm),
            tag,
            subnetwork: network.subnetwork,
            account: account.email,
            homeDisk: disks[vm.name],
            allowStopping: config.allowStopping,
            replace: config.replace.includes(vm.name),
            // The approvals wait for a VM that changes waves.
            hooks: decided.moving.includes(vm.name) ? failures.release : failures.wait,
          },
          // The first boot needs the way out, the keys and the image.
          { parent: this, dependsOn: [...part.dependsOn, network, secrets, ...(image ? [image] : [])] },
        ),
      ]),
    );
    this.logOutdatedImages(vms, config, prepared.newestImages);
    const { cache, monitoring: settings } = config;
    if (cache?.bucket !== undefined)
      new FleetCache(name, { config, bucket: cache.bucket, account: account.email }, part);
    if (settings) new FleetMonitoring(name, { config, settings }, part);
    new FleetAccess(name, { config, account, vms }, part);
    if (config.schedules.length > 0) new FleetSchedules(name, { config, vms }, part);
    const privateKey = args.sshPrivateKey ?? stack.getSecret("sshPrivateKey");
    const ssh = privateKey === undefined ? {} : { ssh: { reachable: prepared.reachable, privateKey } };
    const rollout = new Rollout(name, { config, ...decided, vms, failures, ...ssh }, part);
    const outputs: FleetOutputs = {
      network: network.network,
      subnetwork: network.subnetwork,
      serviceAccount: account.email,
      vms: Object.fromEntries(Object.entries(vms).map(([vm, { outputs }]) => [vm, outputs])),
      addresses: pulumi.all(Object.fromEntries(Object.entries(vms).map(([vm, { address }]) => [vm, address]))),
      approvals: rollout.approvals,
      gates: rollout.gates,
      revision: short(resolved.system.revision),
      lock: short(resolved.system.lock),
      inputs: decided.lockText === undefined ? {} : lockHolds(decided.lockText),
      waves: Object.fromEntries(config.waves.map(({ name: wave, vms: members }) => [wave, members])),
      logins: config.access === "owners" ? logins(config.vms) : {},
    };
    this.registerOutputs(outputs);
    return outputs;
  }

  /** A newer image is for new VMs and changes nothing, so that only this line tells of it. */
  private logOutdatedImages(
    vms: Record<string, DevVm>,
    config: FleetConfig,
    newestImages: Readonly<Record<string, string>>,
  ): void {
    const images = config.vms.map((vm) =>
      pulumi.output(vms[vm.name]?.image).apply((of) => [vm.name, { of, newest: newestImages[vm.image] }] as const),
    );
    pulumi.all(images).apply((known) => {
      const line = olderImages(Object.fromEntries(known));
      if (line !== undefined) void pulumi.log.info(line, this);
    });
  }
}
