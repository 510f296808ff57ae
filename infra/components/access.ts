import * as pulumi from "@pulumi/pulumi";
import { InstanceIAMPolicy } from "@pulumi/gcp/compute";
import { TunnelInstanceIAMBinding } from "@pulumi/gcp/iap";
import { IAMBinding as ProjectIAMBinding, IAMMember as ProjectIAMMember } from "@pulumi/gcp/projects";
import { Account, IAMBinding as AccountIAMBinding } from "@pulumi/gcp/serviceaccount";
import type { FleetConfig } from "../config/fleet-config";
import { PROJECT_READER } from "../../rules/project-reader";
import { customRole } from "./custom-role";
import { aliasesOf, keptForOthers } from "./state-move";
import { accountId } from "../config/names";
import { accessOf, ALWAYS, loginPolicy, peopleOf, stackCondition, type Access } from "./iam";
import type { DevVm } from "./vm";

/** The roles of a VM's own account in its project: write logs and metrics. */
const VM_ROLES = ["roles/logging.logWriter", "roles/monitoring.metricWriter"];

/**
 * IAP conditions can test the port of a tunnel (cloud.google.com/iap/docs/using-tcp-forwarding). The description distinguishes this binding
 * from those of earlier versions, as in `ALWAYS`.
 */
const SSH_ALONE = { title: "ssh", description: "nixos-fleet: SSH alone", expression: "destination.port == 22" };

export interface FleetAccountArgs {
  config: FleetConfig;
  /** The address of an account to use instead of a new one. */
  existing?: pulumi.Input<string> | undefined;
}

/** The account that the VMs run as. If the fleet creates it, it has no role that reads or changes anything. */
export class FleetAccount extends pulumi.ComponentResource {
  /** The account's address. */
  readonly email: pulumi.Output<string>;
  /** Its full name, `projects/P/serviceAccounts/ADDRESS`. */
  readonly id: pulumi.Output<string>;
  /** Whether others, such as another stack of the fleet, may also have bindings on it. */
  readonly shared: boolean;
  /** The account as a role's member. A shared account is another member in each stack, so that stacks do not remove each other's. */
  readonly grantee: { member: pulumi.Output<string>; condition?: ReturnType<typeof stackCondition> };

  constructor(name: string, { config, existing }: FleetAccountArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nixos-fleet:infra:FleetAccount", name, {}, opts);
    this.shared = existing !== undefined;
    if (existing === undefined) {
      const account = this.make(name, config);
      this.email = account.email;
      this.id = account.name;
    } else {
      this.email = pulumi.output(existing);
      // "-" stands for the account's own project.
      this.id = pulumi.interpolate`projects/-/serviceAccounts/${existing}`;
    }
    this.grantee = {
      member: pulumi.interpolate`serviceAccount:${this.email}`,
      ...(this.shared ? { condition: stackCondition(config) } : {}),
    };
    this.registerOutputs({ email: this.email, id: this.id });
  }

  private make(name: string, config: FleetConfig): Account {
    const parent = { parent: this, ...keptForOthers(config) };
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

/**
 * A policy or binding that is replaced, as by `pulumi up --replace`, is deleted first: a delete afterwards would empty the new one, which is
 * the same policy. A failed update must not replace it, because Google may refuse the new one as well: `DelayedFailures.access` sees to it.
 */
const DELETED_FIRST = { deleteBeforeReplace: true };

export interface FleetAccessArgs {
  config: FleetConfig;
  account: FleetAccount;
  /** By VM name. */
  vms: Record<string, DevVm>;
  /** What each policy and binding has, see `DelayedFailures.access`. */
  hooks: pulumi.ResourceHookBinding;
}

/**
 * Who may log in to which VM: two resources for each VM, however many people and teams there are. Every role is bound to a VM or to the
 * VMs' account, so none gives access to another VM of the project. On the project, people may only read its own entry.
 */
export class FleetAccess extends pulumi.ComponentResource {
  constructor(name: string, args: FleetAccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nixos-fleet:infra:FleetAccess", name, {}, opts);
    const all = accessOf(args.config);
    for (const access of all) this.admit(`${name}-${access.vm}`, access, args);
    const members = peopleOf(all);
    if (members.length > 0) this.admitEveryone(name, members, args);
    this.registerOutputs({});
  }

  /** What a login to any VM requires. */
  private admitEveryone(name: string, members: string[], { config, account, hooks }: FleetAccessArgs): void {
    const parent = { parent: this };
    const bound = { ...parent, ...DELETED_FIRST, hooks };
    const condition = account.shared ? stackCondition(config) : ALWAYS;
    // Logging in to a VM that runs as an account requires the right to act as that account.
    new AccountIAMBinding(
      `${name}-account-users`,
      { serviceAccountId: account.id, role: "roles/iam.serviceAccountUser", members, condition },
      bound,
    );
    // The role is the stack's own, so its binding has no members of other stacks.
    const reader = customRole(
      `${name}-project-reader-role`,
      { config, title: "Project readers", ...PROJECT_READER },
      parent,
    );
    new ProjectIAMBinding(`${name}-project-readers`, { project: config.project, role: reader.name, members }, bound);
  }

  private admit(name: string, access: Access, { config, vms, hooks }: FleetAccessArgs): void {
    const instance = vms[access.vm]?.instance;
    if (!instance) return;
    const opts = { parent: this, ...aliasesOf(config), ...DELETED_FIRST, hooks };
    const where = { project: config.project, zone: access.zone };
    new InstanceIAMPolicy(
      `${name}-login`,
      { ...where, instanceName: instance.name, policyData: loginPolicy(access) },
      // The provider cannot delete the policy of a VM that is gone.
      { ...opts, deletedWith: instance },
    );
    new TunnelInstanceIAMBinding(
      `${name}-tunnel`,
      {
        ...where,
        instance: instance.name,
        role: "roles/iap.tunnelResourceAccessor",
        members: peopleOf([access]),
        condition: SSH_ALONE,
      },
      opts,
    );
  }
}
