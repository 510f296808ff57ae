import * as pulumi from "@pulumi/pulumi";
import * as compute from "@pulumi/gcp/compute";
import type { VmConfig } from "./config";

export interface DevVmArgs {
  vm: VmConfig;
  metadata: Record<string, string>;
  labels: Record<string, string>;
  /** Network tag that the fleet's firewall rules name. */
  tag: string;
  subnetwork: pulumi.Input<string>;
  /** Address of the service account that the VM runs as. */
  account: pulumi.Input<string>;
  deletionProtection: boolean;
}

/** One developer's VM: no external address, a Shielded VM, and nothing that a later `up` changes replaces it. */
export class DevVm extends pulumi.ComponentResource {
  readonly instance: compute.Instance;
  /** The VM's address inside the fleet's network. */
  readonly address: pulumi.Output<string>;

  constructor(name: string, args: DevVmArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nixos-fleet:infra:DevVm", name, {}, opts);
    const { vm } = args;
    this.instance = new compute.Instance(
      `${name}-vm`,
      {
        name: vm.name,
        zone: vm.zone,
        machineType: vm.machineType,
        bootDisk: { initializeParams: { image: vm.image, size: vm.diskSizeGb } },
        networkInterfaces: [{ subnetwork: args.subnetwork }],
        metadata: args.metadata,
        labels: args.labels,
        tags: [args.tag],
        // What the account may do its roles say; scopes would only hide it.
        serviceAccount: { email: args.account, scopes: ["https://www.googleapis.com/auth/cloud-platform"] },
        // Secure Boot stays off: NixOS' own boot loaders are not signed by a key that the firmware knows.
        shieldedInstanceConfig: { enableSecureBoot: false, enableVtpm: true, enableIntegrityMonitoring: true },
        deletionProtection: args.deletionProtection,
      },
      // A newer image is for new VMs; an existing one gets its system from the config repository.
      { parent: this, deleteBeforeReplace: true, ignoreChanges: ["bootDisk.initializeParams.image"] },
    );
    this.address = this.instance.networkInterfaces.apply((interfaces) => interfaces[0]?.networkIp ?? "");
    this.registerOutputs({ address: this.address });
  }
}
