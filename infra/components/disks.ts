import * as pulumi from "@pulumi/pulumi";
import * as compute from "@pulumi/gcp/compute";
import { own } from "../../rules/text/json";
import type { FleetConfig } from "../config/fleet-config";
import { aliasesOf } from "./state-move";
import { homeDiskName, resourceNames } from "../config/names";
import { fleetLabels } from "./metadata";

/** Home disks. This program never deletes one, even when it deletes the VM or the stack. */
export class HomeDisks extends pulumi.ComponentResource {
  /** By VM name; VMs that keep homes on their boot disk are left out. */
  readonly disks: Record<string, compute.Disk>;

  /** @param present the existing disks, by VM name, as the provider's ids */
  constructor(
    name: string,
    config: FleetConfig,
    present: Readonly<Record<string, string>>,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("nixos-fleet:infra:HomeDisks", name, {}, opts);
    const { snapshots } = config;
    const policy = snapshots && this.schedule(name, config, snapshots);
    this.disks = {};
    for (const { name: vm, zone, homeDisk, labels } of config.vms) {
      if (homeDisk === undefined) continue;
      const disk = new compute.Disk(
        `${name}-${vm}-home`,
        {
          name: homeDiskName(vm),
          zone,
          type: homeDisk.type,
          size: homeDisk.sizeGb,
          labels: { ...labels, ...fleetLabels(config) },
        },
        { parent: this, retainOnDelete: true, ...aliasesOf(config), ...adopt(own(present, vm)) },
      );
      this.disks[vm] = disk;
      if (policy)
        new compute.DiskResourcePolicyAttachment(
          `${name}-${vm}-home-snapshots`,
          { name: policy.name, disk: disk.name, zone },
          { parent: this, deleteBeforeReplace: true, ...aliasesOf(config) },
        );
    }
    this.registerOutputs({});
  }

  private schedule(
    name: string,
    config: FleetConfig,
    { at, keepDays, location }: NonNullable<FleetConfig["snapshots"]>,
  ): compute.ResourcePolicy {
    return new compute.ResourcePolicy(
      resourceNames(name).snapshots,
      {
        region: config.region,
        snapshotSchedulePolicy: {
          schedule: { dailySchedule: { daysInCycle: 1, startTime: at } },
          // A home disk must survive its VM and its stack.
          retentionPolicy: { maxRetentionDays: keepDays, onSourceDiskDelete: "KEEP_AUTO_SNAPSHOTS" },
          snapshotProperties: {
            labels: fleetLabels(config),
            ...(location === undefined ? {} : { storageLocations: location }),
          },
        },
      },
      { parent: this },
    );
  }
}

/**
 * A remaining disk is adopted; for a disk that is already in the state, adopting changes nothing. Its labels stay as they are, because the
 * official provider cannot distinguish its own labels from others when it adopts a resource. Its source stays too: a home disk that was
 * restored from a snapshot must not be replaced because of it.
 */
function adopt(id: string | undefined): pulumi.CustomResourceOptions {
  return id === undefined ? {} : { import: id, ignoreChanges: ["labels", "snapshot"] };
}
