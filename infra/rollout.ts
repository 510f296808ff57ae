import * as pulumi from "@pulumi/pulumi";
import * as compute from "@pulumi/gcp/compute";
import * as command from "@pulumi/command";
import { approvalKey, short } from "../contracts";
import type { FleetConfig } from "./config";
import type { Revision } from "./revision";
import type { Reachable } from "./trigger";
import type { DevVm } from "./vm";

export interface RolloutArgs {
  config: FleetConfig;
  approve: Revision;
  /** By VM name. */
  vms: Record<string, DevVm>;
  /** SSH triggers: who can be reached now, by VM name, and the trigger account's private key. */
  ssh?: { reachable: Record<string, Reachable>; privateKey: pulumi.Input<string> };
}

/**
 * Approves a revision wave by wave: the approval (a project metadata item that VMs watch), then a gate that waits until the
 * wave's VMs answered. The next approval depends on this gate, so a bad revision never reaches a later wave.
 */
export class Rollout extends pulumi.ComponentResource {
  constructor(name: string, args: RolloutArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nixos-fleet:infra:Rollout", name, {}, opts);
    const { config, approve } = args;
    let previousGate: command.local.Command | undefined;
    for (const wave of config.waves) {
      const members = wave.vms.flatMap((vm) => args.vms[vm] ?? []);
      const approval = new compute.ProjectMetadataItem(
        `${name}-${wave.name}-approval`,
        {
          key: approvalKey(config.fleet, config.stack, wave.name),
          value: JSON.stringify({ revision: approve.revision, lock: approve.lock }),
        },
        { parent: this, dependsOn: previousGate ? [previousGate] : [] },
      );
      previousGate = new command.local.Command(
        `${name}-${wave.name}-gate`,
        {
          create: "./scripts/fleet await",
          // In the environment and not in `triggers`: a change then shows as an update `A => B`, not as a replacement.
          environment: {
            NIXOS_FLEET_FLEET: config.fleet,
            NIXOS_FLEET_STACK: config.stack,
            NIXOS_FLEET_PROJECT: config.project,
            NIXOS_FLEET_WAVE: wave.name,
            NIXOS_FLEET_REVISION: approve.revision,
            NIXOS_FLEET_MAX_FAILURES: String(wave.maxFailures),
            NIXOS_FLEET_TIMEOUT: String(wave.timeout),
            NIXOS_FLEET_BOOT_TIMEOUT: String(config.bootTimeout),
          },
          addPreviousOutputInEnv: false,
        },
        { parent: this, dependsOn: [approval, ...members.map(({ instance }) => instance)] },
      );
      for (const vm of wave.vms) this.trigger(`${name}-${vm}-trigger`, vm, approval, args);
    }
    this.registerOutputs({});
  }

  /** Gates never depend on triggers: the VM's own watcher acts on the approval whether or not SSH comes through. */
  private trigger(name: string, vm: string, approval: pulumi.Resource, { config, approve, ssh, vms }: RolloutArgs) {
    const target = ssh?.reachable[vm];
    const instance = vms[vm]?.instance;
    if (!ssh || !target || !instance || "skipped" in target) return;
    const { bastion, user } = config.ssh;
    // The account's forced command takes this text as who asks; the revision in it makes a new approval an update in place.
    const ask = `pulumi up of ${config.fleet}/${config.stack} for ${short(approve.revision)}`;
    new command.remote.Command(
      name,
      {
        connection: {
          host: target.host,
          port: target.port,
          hostKey: target.hostKey,
          user,
          privateKey: ssh.privateKey,
          dialErrorLimit: 3,
          perDialTimeout: 10,
          ...(bastion ? { proxy: { ...bastion, privateKey: ssh.privateKey } } : {}),
        },
        create: ask,
        update: ask,
        addPreviousOutputInEnv: false,
      },
      { parent: this, dependsOn: [approval], deletedWith: instance },
    );
  }
}
