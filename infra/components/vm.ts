import * as pulumi from "@pulumi/pulumi";
import * as compute from "@pulumi/gcp/compute";
import type { VmConfig } from "../config/fleet-config";
import { HOME_DEVICE } from "../../rules/contract";

const IMAGE = "bootDisk.initializeParams.image";
/** Changes of these make another boot disk, and therefore another VM. */
const BOOT_DISK = ["bootDisk.initializeParams.size", "bootDisk.initializeParams.type"];
/** Belongs to `ResourcePolicyAttachment`: without this, the provider removes every schedule that it finds on a VM. */
const POLICIES = "resourcePolicies";

export interface DevVmArgs {
  vm: VmConfig;
  metadata: Record<string, string>;
  labels: Record<string, string>;
  /** Network tag that the fleet's firewall rules use. */
  tag: string;
  subnetwork: pulumi.Input<string>;
  /** Address of the service account that the VM runs as. */
  account: pulumi.Input<string>;
  /** Its home disk, if homes are not on the boot disk. */
  homeDisk?: compute.Disk | undefined;
  /** Whether an update may stop and restart a running VM, which a new machine type requires. */
  allowStopping: boolean;
  /** Whether this update replaces the VM. */
  replace: boolean;
  /** Whether its attached disks stay as they are, because someone attached others by hand. */
  keepDisks: boolean;
  /** What happens if Compute refuses to create or update it. */
  hooks: pulumi.ResourceHookBinding;
}

/** A VM of a fleet, for programs that build on it. */
export interface DevVmOutputs {
  name: pulumi.Output<string>;
  zone: pulumi.Output<string>;
  /** Its address inside the network. */
  address: pulumi.Output<string>;
  selfLink: pulumi.Output<string>;
}

/** One developer's VM: no external address, a Shielded VM, and no change by a later `up` replaces it. */
export class DevVm extends pulumi.ComponentResource {
  readonly instance: compute.Instance;
  /** The VM's address inside the fleet's network. */
  readonly address: pulumi.Output<string>;
  /** What other programs may build on. */
  readonly outputs: DevVmOutputs;
  /** The image of its boot disk, as a link. */
  readonly image: pulumi.Output<string | undefined>;

  constructor(name: string, args: DevVmArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nixos-fleet:infra:DevVm", name, {}, opts);
    const { vm, homeDisk } = args;
    this.instance = new compute.Instance(
      `${name}-vm`,
      {
        name: vm.name,
        zone: vm.zone,
        machineType: vm.machineType,
        bootDisk: { initializeParams: { image: vm.image, size: vm.diskSizeGb, type: vm.diskType } },
        ...(homeDisk ? { attachedDisks: [{ source: homeDisk.selfLink, deviceName: HOME_DEVICE }] } : {}),
        networkInterfaces: [{ subnetwork: args.subnetwork }],
        metadata: args.metadata,
        labels: args.labels,
        tags: [args.tag],
        // The account's roles say what it may do; scopes would only hide that.
        serviceAccount: { email: args.account, scopes: ["https://www.googleapis.com/auth/cloud-platform"] },
        // Secure Boot stays off: the firmware knows no key that signs NixOS' own boot loaders.
        shieldedInstanceConfig: { enableSecureBoot: false, enableVtpm: true, enableIntegrityMonitoring: true },
        deletionProtection: vm.deletionProtection,
        ...(args.allowStopping ? { allowStoppingForUpdate: true } : {}),
      },
      {
        parent: this,
        deleteBeforeReplace: true,
        protect: vm.protect,
        // A newer image or another boot disk is for new VMs; an existing VM gets its system from the config repository. The provider's
        // version decides whether it grows a boot disk or replaces the VM, and it would change a machine type to any series.
        ignoreChanges: [
          ...[IMAGE, POLICIES],
          ...(args.replace ? [] : BOOT_DISK),
          ...(args.keepDisks ? ["attachedDisks"] : []),
        ],
        replaceOnChanges: args.replace ? ["machineType", ...BOOT_DISK] : [],
        hooks: args.hooks,
      },
    );
    this.address = this.instance.networkInterfaces.apply((interfaces) => interfaces[0]?.networkIp ?? "");
    this.image = this.instance.bootDisk.apply(({ initializeParams }) => initializeParams.image);
    const { name: own, zone, selfLink } = this.instance;
    this.outputs = { name: own, zone, address: this.address, selfLink };
    this.registerOutputs(this.outputs);
  }
}
