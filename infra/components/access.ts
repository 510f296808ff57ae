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

export interface FleetAccountArgs {
  config: FleetConfig;
  /** The address of an account to use instead of a new one. */
  existing?: pulumi.Input<string> | undefined;
}

/** The account that the VMs run as. One of the fleet's own has no role that reads or changes anything. */
export class FleetAccount extends pulumi.ComponentResource {
  /** The account's address. */
  readonly email: pulumi.Output<string>;
  /** Its full name, `projects/P/serviceAccounts/ADDRESS`. */
  readonly id: pulumi.Output<string>;

  constructor(name: string, { config, existing }: FleetAccountArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nixos-fleet:infra:FleetAccount", name, {}, opts);
    if (existing === undefined) {
      const account = this.make(name, config);
      this.email = account.email;
      this.id = account.name;
    } else {
      this.email = pulumi.output(existing);
      // "-" is the account's own project, whichever that is.
      this.id = pulumi.interpolate`projects/-/serviceAccounts/${existing}`;
    }
    this.registerOutputs({ email: this.email, id: this.id });
  }

  private make(name: string, config: FleetConfig): Account {
    const parent = { parent: this };
    const account = new Account(
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
        { project: config.project, role, member: pulumi.interpolate`serviceAccount:${account.email}` },
        parent,
      );
    return account;
  }
}

export interface FleetAccessArgs {
  config: FleetConfig;
  account: FleetAccount;
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
        { serviceAccountId: args.account.id, role: "roles/iam.serviceAccountUser", member },
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
