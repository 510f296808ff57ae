import * as pulumi from "@pulumi/pulumi";
import { InstanceIAMMember } from "@pulumi/gcp/compute";
import { TunnelInstanceIAMMember } from "@pulumi/gcp/iap";
import { IAMMember as ProjectIAMMember } from "@pulumi/gcp/projects";
import { Account, IAMMember as AccountIAMMember } from "@pulumi/gcp/serviceaccount";
import type { FleetConfig } from "../config/fleet-config";
import { accountId, grants, memberName, type Grant } from "./iam";
import type { DevVm } from "./vm";

/** All that a VM does in its project with its own account: write logs and metrics. */
const VM_ROLES = ["roles/logging.logWriter", "roles/monitoring.metricWriter"];

/** IAP knows which port a tunnel is to (cloud.google.com/iap/docs/using-tcp-forwarding). */
const SSH_ALONE = { title: "ssh", expression: "destination.port == 22" };

/** The account that the VMs run as, with no role that reads or changes anything. */
export class FleetAccount extends pulumi.ComponentResource {
  readonly account: Account;

  constructor(name: string, config: FleetConfig, opts?: pulumi.ComponentResourceOptions) {
    super("nixos-fleet:infra:FleetAccount", name, {}, opts);
    const parent = { parent: this };
    this.account = new Account(
      `${name}-account`,
      {
        accountId: accountId(config.fleet, config.stack),
        displayName: `VMs of fleet ${config.fleet}, stack ${config.stack}`,
      },
      parent,
    );
    for (const role of VM_ROLES)
      new ProjectIAMMember(
        `${name}-account-${role.replace(/^.*\./, "")}`,
        { project: config.project, role, member: pulumi.interpolate`serviceAccount:${this.account.email}` },
        parent,
      );
    this.registerOutputs({});
  }
}

export interface FleetAccessArgs {
  config: FleetConfig;
  account: Account;
  /** By VM name. */
  vms: Record<string, DevVm>;
}

/** Who may log in to which VM. Every role is bound to a VM or to the VMs' account: none reaches another VM of the project. */
export class FleetAccess extends pulumi.ComponentResource {
  constructor(name: string, args: FleetAccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nixos-fleet:infra:FleetAccess", name, {}, opts);
    const all = grants(args.config);
    for (const grant of all) this.admit(`${name}-${grant.vm}-${memberName(grant.member)}`, grant, args);
    // Logging in to a VM that runs as an account takes the right to act as it.
    for (const member of new Set(all.map((grant) => grant.member)))
      new AccountIAMMember(
        `${name}-account-${memberName(member)}`,
        { serviceAccountId: args.account.name, role: "roles/iam.serviceAccountUser", member },
        { parent: this },
      );
    this.registerOutputs({});
  }

  private admit(name: string, { vm, zone, member, role }: Grant, { config, vms }: FleetAccessArgs): void {
    const instance = vms[vm]?.instance;
    if (!instance) return;
    const opts = { parent: this };
    const where = { project: config.project, zone, member };
    new InstanceIAMMember(`${name}-login`, { ...where, instanceName: instance.name, role }, opts);
    new TunnelInstanceIAMMember(
      `${name}-tunnel`,
      { ...where, instance: instance.name, role: "roles/iap.tunnelResourceAccessor", condition: SSH_ALONE },
      opts,
    );
  }
}
