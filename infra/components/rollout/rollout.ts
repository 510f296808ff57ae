import * as pulumi from "@pulumi/pulumi";
import * as compute from "@pulumi/gcp/compute";
import * as command from "@pulumi/command";
import { approvalKey, short } from "../../../rules/contract";
import type { FleetConfig } from "../../config/fleet-config";
import type { PlannedWave } from "../../../rules/rollout/wave-plan";
import { toolPath } from "../../tool-path";
import type { Reachable } from "./trigger";
import type { DevVm } from "../vm";
import type { Wave } from "../../../rules/rollout/waves";
import type { ApprovalGuard } from "./approval-check";
import { gateResult } from "./gate-result";
import { knownOr } from "../known-or";
import { registrationEnd, settled } from "../settled";
import type { DelayedFailures } from "./delayed-failures";
import { defined } from "../../../rules/text/json";
import type { Approval } from "../../../rules/rollout/approval";

export interface RolloutArgs {
  config: FleetConfig;
  /** What each wave is approved for at this run. */
  plan: readonly PlannedWave<Wave>[];
  /** What the lock of the approved revision contains, for people who read a preview. */
  lock: string | undefined;
  /** By VM name. */
  vms: Record<string, DevVm>;
  /** Names of the VMs that this run moves to another wave. */
  moving: readonly string[];
  /** Failures of VMs that wait for the end of the rollout. */
  failures: DelayedFailures;
  /** Refuses an approval which something that happened since the plan forbids, or that no gate before it has passed. */
  guard: ApprovalGuard;
  /** SSH triggers: the VMs that can be reached now, by VM name, and the trigger account's private key. */
  ssh?: { reachable: Record<string, Reachable>; privateKey: pulumi.Input<string> };
}

/**
 * Approves a revision wave by wave: the approval (a project metadata item that VMs watch), then a gate that waits until the wave's VMs have
 * answered. The next approval depends on this gate, so a bad revision never reaches a later wave. Nothing here depends on VMs, except on
 * VMs that change waves: a gate waits for its wave's VMs by name, whether or not they could be created.
 */
export class Rollout extends pulumi.ComponentResource {
  /** Wave → what it is approved for. A wave that a person holds before its first approval is left out. */
  readonly approvals: pulumi.Output<Record<string, Approval>>;
  /** Wave → how its gate ended, such as `passed: 3 succeeded, 1 deferred`. */
  readonly gates: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: RolloutArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nixos-fleet:infra:Rollout", name, {}, opts);
    const { config, plan, failures } = args;
    const hooks = failures.release;
    const approvals: Record<string, pulumi.Output<Approval | undefined>> = {};
    const gates: Record<string, pulumi.Output<string>> = {};
    // A VM changes its wave before anything is approved: it must see its new wave's approval, and not its old wave's.
    let before: pulumi.Resource[] = args.moving.flatMap((vm) => args.vms[vm]?.instance ?? []);
    let last: pulumi.Resource | undefined;
    for (const planned of plan) {
      const { wave, value, kept } = planned;
      const approval = new compute.ProjectMetadataItem(
        `${name}-${wave.name}-approval`,
        { key: approvalKey(config.fleet, config.stack, wave.name), value },
        { parent: this, dependsOn: before, hooks: { ...failures.retry, ...args.guard.hooks } },
      );
      // If an earlier wave failed, a run with --continue-on-error leaves this wave as it is, as does a run with --target: it then has its
      // former value.
      const approved = pulumi.runtime.isDryRun()
        ? pulumi.output(planned.approval)
        : knownOr(
            approval.value.apply((written) => (written === value ? planned.approval : planned.former)),
            planned.former,
          );
      approvals[wave.name] = approved;
      const gate = new command.local.Command(
        `${name}-${wave.name}-gate`,
        {
          // The provider kills only the shell, and dash runs its last command as a child: without `exec`, Ctrl-C would wait for the gate.
          create: `exec ${toolPath(process.cwd())} await`,
          // Also removes what the gate or a person wrote about the wave; if that fails, a destroy must still succeed.
          delete: `${toolPath(process.cwd())} await --forget || true`,
          // The values are in the environment and not in `triggers`: a change then shows as an update `A => B`, not as a replacement.
          // The gate runs after the wave's VMs were created or updated, or could not be. It waits by a promise, not by a dependency.
          environment: attempts(wave, args).then(() => gateEnvironment(config, planned, args.lock)),
          // The gate's next run reads standard output: whether the wave has passed this revision before.
          logging: command.local.Logging.Stderr,
        },
        {
          parent: this,
          dependsOn: [approval],
          hooks,
          // While its wave is held, the result of this gate's last success counts; the gate has nothing to wait for.
          ignoreChanges: kept ? ["create", "delete", "environment", "logging", "addPreviousOutputInEnv"] : [],
        },
      );
      const printed = knownOr<string | undefined>(gate.stdout, undefined);
      args.guard.gates.set(wave.name, settled(printed));
      gates[wave.name] = pulumi.all([approved, printed]).apply(([approval, summary]) => {
        if (approval === undefined) return "nothing is approved";
        if (summary !== undefined) return gateResult(summary, approval.revision);
        if (pulumi.runtime.isDryRun()) return `waits for ${short(approval.revision)}`;
        return !kept && approval.revision === planned.approval.revision ? "failed" : "did not run";
      });
      before = [gate];
      last = gate;
      this.trigger(name, planned, approval, args);
    }
    failures.until(last === undefined ? Promise.resolve() : registrationEnd(last));
    this.approvals = pulumi.all(approvals).apply((all) => defined(all) as Record<string, Approval>);
    this.gates = pulumi.all(gates);
    this.registerOutputs({ approvals: this.approvals, gates: this.gates });
  }

  /** Gates never depend on triggers: the VM's own watcher acts on the approval whether or not SSH works. */
  private trigger(
    name: string,
    { wave, approval: { revision } }: PlannedWave<Wave>,
    approval: pulumi.Resource,
    { config, ssh, vms, failures }: RolloutArgs,
  ) {
    if (!ssh) return;
    const { bastion, user } = config.ssh;
    const proxy = bastion && proxyTo(bastion, ssh.privateKey);
    // The account's forced command takes this text as the requester's name. It contains the revision, so a new approval is an update in
    // place.
    const ask = `pulumi up of ${config.fleet}/${config.stack} for ${short(revision)}`;
    const triggers: command.remote.Command[] = [];
    for (const vm of wave.vms) {
      const target = ssh.reachable[vm];
      const instance = vms[vm]?.instance;
      if (!target || !instance || "skipped" in target) continue;
      // Limits how many run at once: each waits for the one that many places before it.
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
        {
          parent: this,
          dependsOn: before ? [approval, before] : [approval],
          deletedWith: instance,
          // One VM that SSH does not reach must not end the rollout: its watcher acts on the approval all the same.
          hooks: failures.wait,
        },
      );
      triggers.push(trigger);
    }
  }
}

async function attempts({ vms: names }: Wave, { vms, failures }: RolloutArgs): Promise<void> {
  await Promise.all(
    names.flatMap((name) => {
      const instance = vms[name]?.instance;
      return instance ? [failures.attempted(name, instance)] : [];
    }),
  );
}

/** The connection through a bastion, if the same key is accepted there. */
function proxyTo(
  { host, port, user, hostKey }: NonNullable<FleetConfig["ssh"]["bastion"]>,
  privateKey: pulumi.Input<string>,
): command.types.input.remote.ProxyConnectionArgs {
  return { host, port, user, privateKey, ...(hostKey === undefined ? {} : { hostKey }) };
}

/** The environment of a gate. Any change of it makes the gate run again, so all of it stays the same from run to run. */
function gateEnvironment(
  { fleet, stack, project, bootTimeout, waves }: FleetConfig,
  { wave, approval }: PlannedWave<Wave>,
  lock: string | undefined,
): Record<string, string> {
  const later = waves.slice(waves.findIndex(({ name }) => name === wave.name) + 1).map(({ name }) => name);
  return {
    NIXOS_FLEET_FLEET: fleet,
    NIXOS_FLEET_STACK: stack,
    NIXOS_FLEET_PROJECT: project,
    NIXOS_FLEET_WAVE: wave.name,
    NIXOS_FLEET_REVISION: approval.revision,
    ...(lock === undefined ? {} : { NIXOS_FLEET_LOCK_INPUTS: lock }),
    ...(approval.homes === undefined ? {} : { NIXOS_FLEET_HOME_REVISIONS: homesText(approval.homes) }),
    NIXOS_FLEET_MEMBERS: wave.vms.join(","),
    ...(later.length === 0
      ? {}
      : { NIXOS_FLEET_LATER_WAVES: later.join(","), NIXOS_FLEET_MIN_SUCCEEDED: String(wave.minSucceeded) }),
    NIXOS_FLEET_MAX_FAILURES: String(wave.maxFailures),
    NIXOS_FLEET_TIMEOUT: String(wave.timeout),
    NIXOS_FLEET_BOOT_TIMEOUT: String(bootTimeout),
    // An urgent approval does not wait.
    NIXOS_FLEET_PAUSE: String(approval.urgent === true ? 0 : wave.pause),
    NIXOS_FLEET_ON_FAILURE: wave.onFailure,
    NIXOS_FLEET_HOMES: wave.homes,
    ...(wave.reboot === undefined ? {} : { NIXOS_FLEET_REBOOT: wave.reboot }),
  };
}

function homesText(homes: NonNullable<Approval["homes"]>): string {
  return Object.entries(homes)
    .map(([key, { revision }]) => `${key} ${short(revision)}`)
    .join(", ");
}
