import * as pulumi from "@pulumi/pulumi";
import * as compute from "@pulumi/gcp/compute";
import type { ExistingNetwork } from "../fleet-args";
import { projectOf } from "../config/google";
import { resourceNames } from "../config/names";

/** The source range of IAP's TCP forwarding (cloud.google.com/iap/docs/using-tcp-forwarding). */
const IAP_RANGE = "35.235.240.0/20";

export interface FleetNetworkArgs {
  region: pulumi.Input<string>;
  /** The subnet's IPv4 range. */
  cidr: pulumi.Input<string>;
  /** The network tag that the fleet's VMs carry. */
  tag: pulumi.Input<string>;
  /** Options of a network that this makes. */
  kept: Pick<pulumi.ResourceOptions, "protect">;
  /** Use these instead of making a network; the fleet then adds only the rule for SSH. */
  existing?: ExistingNetwork | undefined;
}

/**
 * The fleet's own VPC: no VM has an external address, outgoing traffic goes through NAT, and the only incoming traffic is SSH through IAP.
 */
export class FleetNetwork extends pulumi.ComponentResource {
  /** The network's self link. */
  readonly network: pulumi.Output<string>;
  /** The subnet's self link. */
  readonly subnetwork: pulumi.Output<string>;

  constructor(name: string, args: FleetNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nixos-fleet:infra:FleetNetwork", name, {}, opts);
    const parent = { parent: this };
    const { existing } = args;
    const { network, subnetwork } = existing ?? this.make(name, args);
    new compute.Firewall(
      resourceNames(name).firewall,
      {
        network,
        // A rule is in its network's project, which is another one for a Shared VPC.
        ...(existing && { project: pulumi.output(existing.network).apply(projectOf) }),
        direction: "INGRESS",
        sourceRanges: [IAP_RANGE],
        targetTags: [args.tag],
        allows: [{ protocol: "tcp", ports: ["22"] }],
      },
      parent,
    );
    this.network = pulumi.output(network);
    this.subnetwork = pulumi.output(subnetwork);
    this.registerOutputs({ network: this.network, subnetwork: this.subnetwork });
  }

  /** A network with one subnetwork and NAT for the VMs. */
  private make(name: string, { region, cidr, kept }: FleetNetworkArgs): ExistingNetwork {
    const parent = { parent: this, ...kept };
    const names = resourceNames(name);
    const network = new compute.Network(names.network, { autoCreateSubnetworks: false }, parent);
    const subnetwork = new compute.Subnetwork(
      names.subnetwork,
      { network: network.selfLink, region, ipCidrRange: cidr, privateIpGoogleAccess: true },
      parent,
    );
    const router = new compute.Router(names.router, { network: network.selfLink, region }, parent);
    new compute.RouterNat(
      names.nat,
      {
        router: router.name,
        region,
        natIpAllocateOption: "AUTO_ONLY",
        sourceSubnetworkIpRangesToNat: "LIST_OF_SUBNETWORKS",
        subnetworks: [{ name: subnetwork.selfLink, sourceIpRangesToNats: ["ALL_IP_RANGES"] }],
      },
      parent,
    );
    return { network: network.selfLink, subnetwork: subnetwork.selfLink };
  }
}
