import * as pulumi from "@pulumi/pulumi";
import { FleetAccess, FleetAccount } from "./access";
import { FleetApis } from "./apis";
import { FleetCache } from "./cache";
import type { FleetConfig } from "../config/fleet-config";
import { HomeDisks } from "./disks";
import { FleetImage, olderImages } from "./image";
import { vmLabels, vmMetadata } from "./metadata";
import { FleetMonitoring } from "./monitoring";
import { FleetNetwork } from "./network";
import { Rollout, type RolloutArgs } from "./rollout";
import { FleetSchedules } from "./schedules";
import { FleetSecrets, type FleetSecretsArgs } from "./secrets";
import { DevVm } from "./vm";

export interface FleetArgs {
  config: FleetConfig;
  /** What the waves are to run, what its lock holds, and who changes waves. */
  rollout: Pick<RolloutArgs, "plan" | "lock" | "moving">;
  startupScript: string;
  /** The newest images that there are, see `newestImages`. */
  newestImages: Record<string, string>;
  deployKeys: FleetSecretsArgs["deployKeys"];
  /** The home disks that there are, see `presentHomes`. */
  presentHomes: Record<string, string>;
  ssh?: RolloutArgs["ssh"];
}

/** The whole fleet of one stack: its network, its VMs, who may use them, and the rollout of one revision to them. */
export class Fleet extends pulumi.ComponentResource {
  /** VM name → address inside the fleet's network. */
  readonly addresses: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: FleetArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nixos-fleet:infra:Fleet", name, {}, opts);
    const { config, rollout, ssh } = args;
    const tag = `nixos-fleet-${config.fleet}`;
    const part = { parent: this, dependsOn: [new FleetApis(name, config, { parent: this })] };
    const network = new FleetNetwork(name, { region: config.region, cidr: config.network.cidr, tag }, part);
    const { account } = new FleetAccount(name, config, part);
    const secrets = new FleetSecrets(name, { config, deployKeys: args.deployKeys, account: account.email }, part);
    const image = config.image && new FleetImage(name, { config, ...config.image }, part);
    const { disks } = new HomeDisks(name, config, args.presentHomes, part);
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
            homeDisk: disks[vm.name],
            allowStopping: config.allowStopping,
            replace: config.replace.includes(vm.name),
          },
          // The first boot needs the way out, the keys and the image.
          { parent: this, dependsOn: [...part.dependsOn, network, secrets, ...(image ? [image] : [])] },
        ),
      ]),
    );
    this.tellOlderImages(vms, args);
    const { cache, monitoring: settings } = config;
    if (cache?.bucket !== undefined)
      new FleetCache(name, { config, bucket: cache.bucket, account: account.email }, part);
    if (settings) new FleetMonitoring(name, { config, settings }, part);
    new FleetAccess(name, { config, account, vms }, part);
    if (config.schedules.length > 0) new FleetSchedules(name, { config, vms }, part);
    new Rollout(name, { config, ...rollout, vms, ...(ssh ? { ssh } : {}) }, part);
    this.addresses = pulumi.all(Object.fromEntries(Object.entries(vms).map(([vm, { address }]) => [vm, address])));
    this.registerOutputs({ addresses: this.addresses });
  }

  /** A newer image is for new VMs and changes nothing, so that only this line tells of it. */
  private tellOlderImages(vms: Record<string, DevVm>, { config, newestImages }: FleetArgs): void {
    const images = config.vms.map((vm) =>
      pulumi.output(vms[vm.name]?.image).apply((of) => [vm.name, { of, newest: newestImages[vm.image] }] as const),
    );
    pulumi.all(images).apply((known) => {
      const line = olderImages(Object.fromEntries(known));
      if (line !== undefined) void pulumi.log.info(line, this);
    });
  }
}
