import * as pulumi from "@pulumi/pulumi";
import { ProjectMetadataItem } from "@pulumi/gcp/compute";
import { FleetAccess, FleetAccount } from "./access";
import { FleetApis } from "./apis";
import { aliasesOf, keptForOthers, refuseCreation } from "./state-move";
import { FleetCache } from "./cache";
import { bucketOf } from "../config/cache";
import { NAMESPACE, type FleetConfig } from "../config/fleet-config";
import { fleetTag } from "../config/names";
import { HomeDisks } from "./disks";
import { assertDeclaredOnce } from "../declared-once";
import { encryptedKeys } from "../engine-options";
import { approvalGuard, type ApprovalGuard } from "./rollout/approval-check";
import { DelayedFailures } from "./rollout/delayed-failures";
import { withArgs, withSecrets, type FleetArgs } from "../fleet-args";
import { FleetImage, olderImages } from "./image";
import { vmLabels, vmMetadata } from "./metadata";
import { FleetMonitoring } from "./monitoring";
import { FleetNetwork } from "./network";
import { inputsOf } from "../preflight/approval";
import { prepare, type Prepared } from "../preflight/prepare";
import { vmOutputs, waveResults, type FleetVmOutputs } from "./outputs";
import { Rollout } from "./rollout/rollout";
import { FleetSchedules } from "./schedules";
import { deployKeyValues, FleetSecrets } from "./secrets";
import { leaveNotesUnsent } from "../sdk-notes";
import { leaveUnnamedStacksPlain } from "../stack-traces";
import { startupLoader, startupScript } from "../startup";
import { DevVm } from "./vm";
import { startupKey } from "../../rules/contract";
import { own } from "../../rules/text/json";
import { readmeOf, type WaveResult } from "../readme";
import { shownTool } from "../tool-path";

/** The outputs that a fleet's component registers. */
export interface FleetOutputs {
  network: pulumi.Output<string>;
  subnetwork: pulumi.Output<string>;
  serviceAccount: pulumi.Output<string>;
  vms: Record<string, FleetVmOutputs>;
  waves: pulumi.Output<Record<string, WaveResult>>;
  inputs: pulumi.Output<Record<string, string>>;
  head: string;
  readme: pulumi.Output<string>;
}

/** What the VMs are declared with. */
interface VmParts {
  network: FleetNetwork;
  account: FleetAccount;
  disks: HomeDisks["disks"];
  /** The script in each VM's metadata that runs the startup script. */
  loader: string;
  /** The startup script's item, which itself depends on all that a first boot needs. */
  startup: ProjectMetadataItem;
}

/**
 * The whole fleet of one stack: its network, its VMs, who may use them, and the rollout of one revision to them.
 *
 * @example
 * // Every setting from Pulumi.<stack>.yaml.
 * const fleet = new Fleet("devs");
 * export const { readme, waves, vms, inputs, head } = fleet;
 */
export class Fleet extends pulumi.ComponentResource<FleetOutputs> {
  /** Self link of the network. */
  readonly network: pulumi.Output<string>;
  /** Self link of the subnetwork. */
  readonly subnetwork: pulumi.Output<string>;
  /** Address of the account that the VMs run as. */
  readonly serviceAccount: pulumi.Output<string>;
  /** The VMs by name. */
  readonly vms: pulumi.Output<pulumi.Unwrap<Record<string, FleetVmOutputs>>>;
  /** Wave → the revision that it is approved for, and how its gate ended. */
  readonly waves: pulumi.Output<Record<string, WaveResult>>;
  /** The inputs of the approved waves' locks, so that a preview shows which of them change; `fleet diff --head` says more. */
  readonly inputs: pulumi.Output<Record<string, string>>;
  /** The branch's head as this run found it, 40 hex digits. VMs may run other revisions. */
  readonly head: pulumi.Output<string>;
  /** All outputs as Markdown, for people; Pulumi shows an output of this name as the stack's page. */
  readonly readme: pulumi.Output<string>;

  constructor(name: string, args: FleetArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    super("nixos-fleet:infra:Fleet", name, withSecrets(args), opts);
    const made = this.getData();
    this.network = pulumi.output(made.then(({ network }) => network));
    this.subnetwork = pulumi.output(made.then(({ subnetwork }) => subnetwork));
    this.serviceAccount = pulumi.output(made.then(({ serviceAccount }) => serviceAccount));
    this.vms = pulumi.output(made.then(({ vms }) => vms));
    this.waves = pulumi.output(made.then(({ waves }) => waves));
    this.inputs = pulumi.output(made.then(({ inputs }) => inputs));
    this.head = pulumi.output(made.then(({ head }) => head));
    this.readme = pulumi.output(made.then(({ readme }) => readme));
  }

  /** Runs inside the base class' constructor, so this class' own fields are not set yet. */
  protected override async initialize(
    args: FleetArgs,
    _opts?: pulumi.ComponentResourceOptions,
    name = "devs",
  ): Promise<FleetOutputs> {
    leaveUnnamedStacksPlain();
    leaveNotesUnsent();
    // Without this, the engine would end the program while it only waits for git.
    const done = pulumi.runtime.rpcKeepAlive();
    try {
      const stack = { raw: pulumi.runtime.allConfig(), encrypted: encryptedKeys() };
      const written = withArgs(name, args, stack);
      const given = { network: args.existingNetwork !== undefined, account: args.serviceAccount !== undefined };
      const prepared = await prepare(written, pulumi.getStack(), given, { parent: this });
      const { config, rollout, readMetadata, runningIn } = prepared;
      assertDeclaredOnce(config);
      const failures = await DelayedFailures.create(name, runningIn);
      const refused = () => void failures.releaseAll();
      const guard = await approvalGuard(name, { config, plan: rollout.plan, readMetadata, refused });
      return this.declare(name, args, prepared, failures, guard);
    } finally {
      done();
    }
  }

  private declare(
    name: string,
    args: FleetArgs,
    prepared: Prepared,
    failures: DelayedFailures,
    guard: ApprovalGuard,
  ): FleetOutputs {
    const { config, resolved, rollout: decided } = prepared;
    const stack = new pulumi.Config(NAMESPACE);
    const tag = fleetTag(config.fleet);
    const apis = new FleetApis(name, config, { parent: this });
    const part = { parent: this, dependsOn: [apis] };
    const network = new FleetNetwork(
      name,
      {
        region: config.region,
        cidr: config.network.cidr,
        tag,
        kept: keptForOthers(config),
        existing: args.existingNetwork ?? config.existingNetwork,
      },
      part,
    );
    const account = new FleetAccount(name, { config, existing: args.serviceAccount ?? config.serviceAccount }, part);
    const deployKeys = deployKeyValues(args, stack, config.deployKeys);
    const secrets = new FleetSecrets(name, { config, deployKeys, account }, part);
    const image = config.image && new FleetImage(name, { config, ...config.image }, part);
    const disksApart = { ...part, ...failures.waitForDisks(decided.moving) };
    const { disks } = new HomeDisks(name, config, prepared.existingHomeDisks, disksApart);
    const script = startupScript();
    const startup = new ProjectMetadataItem(
      `${name}-startup-script`,
      { key: startupKey(config.fleet, config.stack), value: script },
      // A VM's first boot needs these before the VM exists: the NAT, the keys and the image.
      {
        parent: this,
        dependsOn: [...part.dependsOn, network, secrets, ...(image ? [image] : [])],
        hooks: failures.retry,
      },
    );
    const loader = startupLoader(config, script);
    const vms = this.declareVms(name, prepared, failures, { network, account, disks, loader, startup });
    this.logOutdatedImages(vms, config, prepared.newestImages);
    const { cache, monitoring: settings } = config;
    const bucket = bucketOf(cache);
    const aside = { ...part, ...failures.waitForAll };
    if (bucket !== undefined) new FleetCache(name, { config, bucket, account }, aside);
    if (settings) new FleetMonitoring(name, { config, settings }, aside);
    new FleetAccess(name, { config, account, vms, hooks: failures.access }, aside);
    if (config.schedules.length > 0) new FleetSchedules(name, { config, vms, projectApi: apis.resourceManager }, aside);
    const privateKey = args.sshPrivateKey ?? stack.getSecret("sshPrivateKey");
    const ssh = privateKey === undefined ? {} : { ssh: { reachable: prepared.reachable, privateKey } };
    const rollout = new Rollout(name, { config, ...decided, vms, failures, guard, ...ssh }, part);
    const waves = pulumi
      .all([rollout.approvals, rollout.gates])
      .apply(([approvals, gates]) => waveResults(config, approvals, gates));
    const outputs: FleetOutputs = {
      network: network.network,
      subnetwork: network.subnetwork,
      serviceAccount: account.email,
      vms: vmOutputs(config, vms),
      waves,
      inputs: rollout.approvals.apply((approvals) => inputsOf(approvals, decided.locks)),
      head: resolved.system.revision,
      readme: waves.apply((results) => readmeOf(config, results, shownTool(process.cwd()))),
    };
    this.registerOutputs(outputs);
    return outputs;
  }

  private declareVms(
    name: string,
    { config, rollout: { moving }, arrivals, replacedVms, keptDisks }: Prepared,
    failures: DelayedFailures,
    { network, account, disks, loader, startup }: VmParts,
  ): Record<string, DevVm> {
    const notCreated = refuseCreation(name, arrivals, config.stack);
    return Object.fromEntries(
      config.vms.map((vm) => [
        vm.name,
        new DevVm(
          `${name}-${vm.name}`,
          {
            vm,
            metadata: vmMetadata(config, vm, loader),
            labels: vmLabels(config, vm),
            tag: fleetTag(config.fleet),
            subnetwork: network.subnetwork,
            account: account.email,
            homeDisk: own(disks, vm.name),
            allowStopping: config.allowStopping,
            replace: replacedVms.includes(vm.name),
            keepDisks: keptDisks.includes(vm.name),
            // The approvals wait for a VM that changes waves.
            hooks: {
              ...(moving.includes(vm.name) ? failures.release : failures.wait),
              ...(Object.hasOwn(arrivals, vm.name) ? notCreated : {}),
            },
          },
          // One dependency that stands for all others: otherwise the state and the engine hold all of them for each VM.
          { parent: this, dependsOn: startup, ...aliasesOf(config) },
        ),
      ]),
    );
  }

  /** A newer image is for new VMs and changes nothing, so only this line shows that it exists. */
  private logOutdatedImages(
    vms: Record<string, DevVm>,
    config: FleetConfig,
    newestImages: Readonly<Record<string, string>>,
  ): void {
    const images = config.vms.map((vm) =>
      pulumi.output(vms[vm.name]?.image).apply((of) => [vm.name, { of, newest: newestImages[vm.image] }] as const),
    );
    pulumi.all(images).apply((known) => {
      const line = olderImages(Object.fromEntries(known));
      if (line !== undefined) void pulumi.log.info(line, this);
    });
  }
}
