import * as pulumi from "@pulumi/pulumi";
import * as compute from "@pulumi/gcp/compute";
import * as command from "@pulumi/command";
import { approvalKey, short, type Approval } from "../../rules/contract";
import type { FleetConfig } from "../config/fleet-config";
import type { PlannedWave } from "../preflight/wave-plan";
import { toolPath } from "../tool-path";
import type { Reachable } from "./trigger";
import type { DevVm } from "./vm";
import type { Wave } from "../../rules/waves";

export interface RolloutArgs {
  config: FleetConfig;
  /** What each wave is approved for at this run. */
  plan: readonly PlannedWave<Wave>[];
  /** What the lock of the approved revision holds, for people who read a preview. */
  lock: string | undefined;
  /** By VM name. */
  vms: Record<string, DevVm>;
  /** Names of the VMs that this run takes to another wave. */
  moving: readonly string[];
  /** SSH triggers: who can be reached now, by VM name, and the trigger account's private key. */
  ssh?: { reachable: Record<string, Reachable>; privateKey: pulumi.Input<string> };
}

/**
 * Approves a revision wave by wave: the approval (a project metadata item that VMs watch), then a gate that waits until the
 * wave's VMs answered. The next approval depends on this gate, so a bad revision never reaches a later wave.
 */
export class Rollout extends pulumi.ComponentResource {
  /** Wave → what it is approved for. */
  readonly approvals: pulumi.Output<Record<string, Approval>>;

  constructor(name: string, args: RolloutArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nixos-fleet:infra:Rollout", name, {}, opts);
    const { config, plan } = args;
    const instancesOf = (names: readonly string[]) => names.flatMap((vm) => args.vms[vm]?.instance ?? []);
    // Whoever changes waves does so before anything is approved: it is to hear of its new wave's approval, and not of its old one's.
    const approvals: Record<string, pulumi.Output<Approval>> = {};
    let before: pulumi.Resource[] = instancesOf(args.moving);
    for (const planned of plan) {
      const { wave, value, kept } = planned;
      const approval = new compute.ProjectMetadataItem(
        `${name}-${wave.name}-approval`,
        { key: approvalKey(config.fleet, config.stack, wave.name), value },
        { parent: this, dependsOn: before },
      );
      approvals[wave.name] = approval.value.apply((text) => JSON.parse(text) as Approval);
      const gate = new command.local.Command(
        `${name}-${wave.name}-gate`,
        {
          // The provider kills the shell alone, and dash runs its last command as a child: without `exec`, Ctrl-C would wait for the gate.
          create: `exec ${toolPath(process.cwd())} await`,
          // In the environment and not in `triggers`: a change then shows as an update `A => B`, not as a replacement.
          environment: gateEnvironment(config, planned, args.lock),
          addPreviousOutputInEnv: false,
        },
        {
          parent: this,
          dependsOn: [approval, ...instancesOf(wave.vms)],
          // Whatever this gate last passed for stands while its wave is held; it has nothing to wait for.
          ignoreChanges: kept ? ["environment"] : [],
        },
      );
      before = [gate];
      this.trigger(name, planned, approval, args);
    }
    this.approvals = pulumi.all(approvals);
    this.registerOutputs({ approvals: this.approvals });
  }

  /** Gates never depend on triggers: the VM's own watcher acts on the approval whether or not SSH comes through. */
  private trigger(
    name: string,
    { wave, approval: { revision } }: PlannedWave<Wave>,
    approval: pulumi.Resource,
    { config, ssh, vms }: RolloutArgs,
  ) {
    if (!ssh) return;
    const { bastion, user } = config.ssh;
    const proxy = bastion && proxyTo(bastion, ssh.privateKey);
    // The account's forced command takes this text as who asks; the revision in it makes a new approval an update in place.
    const ask = `pulumi up of ${config.fleet}/${config.stack} for ${short(revision)}`;
    const triggers: command.remote.Command[] = [];
    for (const vm of wave.vms) {
      const target = ssh.reachable[vm];
      const instance = vms[vm]?.instance;
      if (!target || !instance || "skipped" in target) continue;
      // So many at once: each waits for the one that many places before it.
      const before = triggers[triggers.length - (wave.parallel ?? Infinity)];
      const trigger = new command.remote.Command(
        `${name}-${vm}-trigger`,
        {
          connection: {
            host: target.host,
            port: target.port,
            hostKey: target.hostKey,
            user,
            privateKey: ssh.privateKey,
            dialErrorLimit: 3,
            perDialTimeout: 10,
            ...(proxy ? { proxy } : {}),
          },
          create: ask,
          update: ask,
          addPreviousOutputInEnv: false,
        },
        { parent: this, dependsOn: before ? [approval, before] : [approval], deletedWith: instance },
      );
      triggers.push(trigger);
    }
  }
}

/** The way through a bastion, where the same key is known. */
function proxyTo(
  { host, port, user, hostKey }: NonNullable<FleetConfig["ssh"]["bastion"]>,
  privateKey: pulumi.Input<string>,
): command.types.input.remote.ProxyConnectionArgs {
  return { host, port, user, privateKey, ...(hostKey === undefined ? {} : { hostKey }) };
}

/** What a gate is told. A change of any of it makes the gate run again, so all of it stays as it is from run to run. */
function gateEnvironment(
  { fleet, stack, project, bootTimeout }: FleetConfig,
  { wave, approval }: PlannedWave<Wave>,
  lock: string | undefined,
): Record<string, string> {
  return {
    NIXOS_FLEET_FLEET: fleet,
    NIXOS_FLEET_STACK: stack,
    NIXOS_FLEET_PROJECT: project,
    NIXOS_FLEET_WAVE: wave.name,
    NIXOS_FLEET_REVISION: approval.revision,
    ...(lock === undefined ? {} : { NIXOS_FLEET_LOCK_INPUTS: lock }),
    ...(approval.homes === undefined ? {} : { NIXOS_FLEET_HOME_REVISIONS: homesText(approval.homes) }),
    NIXOS_FLEET_MAX_FAILURES: String(wave.maxFailures),
    NIXOS_FLEET_TIMEOUT: String(wave.timeout),
    NIXOS_FLEET_BOOT_TIMEOUT: String(bootTimeout),
    NIXOS_FLEET_PAUSE: String(wave.pause),
    NIXOS_FLEET_ON_FAILURE: wave.onFailure,
    NIXOS_FLEET_HOMES: wave.homes,
  };
}

function homesText(homes: NonNullable<Approval["homes"]>): string {
  return Object.entries(homes)
    .map(([key, { revision }]) => `${key} ${short(revision)}`)
    .join(", ");
}
