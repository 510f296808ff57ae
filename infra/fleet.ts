import * as pulumi from "@pulumi/pulumi";
import { FleetAccess, FleetAccount } from "./access";
import type { FleetConfig } from "./config";
import { vmLabels, vmMetadata } from "./metadata";
import { FleetNetwork } from "./network";
import type { Revision } from "./revision";
import { Rollout, type RolloutArgs } from "./rollout";
import { DevVm } from "./vm";

export interface FleetArgs {
  config: FleetConfig;
  /** What the waves are to run. */
  approve: Revision;
  startupScript: string;
  ssh?: RolloutArgs["ssh"];
}

/** The whole fleet of one stack: its network, its VMs, who may use them, and the rollout of one revision to them. */
export class Fleet extends pulumi.ComponentResource {
  /** VM name → address inside the fleet's network. */
  readonly addresses: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: FleetArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nixos-fleet:infra:Fleet", name, {}, opts);
    const { config, approve, ssh } = args;
    const tag = `nixos-fleet-${config.fleet}`;
    const network = new FleetNetwork(name, { region: config.region, cidr: config.network.cidr, tag }, { parent: this });
    const { account } = new FleetAccount(name, config, { parent: this });
    const vms = Object.fromEntries(
      config.vms.map((vm) => [
        vm.name,
        new DevVm(
          `${name}-${vm.name}`,
          {
            vm,
            metadata: vmMetadata(config, vm, args.startupScript),
            labels: vmLabels(config, vm),
            tag,
            subnetwork: network.subnetwork,
            account: account.email,
            deletionProtection: config.deletionProtection,
          },
          { parent: this },
        ),
      ]),
    );
    new FleetAccess(name, { config, account, vms }, { parent: this });
    new Rollout(name, { config, approve, vms, ...(ssh ? { ssh } : {}) }, { parent: this });
    this.addresses = pulumi.all(Object.fromEntries(Object.entries(vms).map(([vm, { address }]) => [vm, address])));
    this.registerOutputs({ addresses: this.addresses });
  }
}
