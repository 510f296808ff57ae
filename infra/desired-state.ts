/** What the program creates from a stack's settings, for code that compares it with what exists. */
import { apisOf } from "./components/apis";
import { madeImages } from "./components/image";
import type { FleetConfig, RawConfig } from "./config/fleet-config";
import { homeDiskName } from "./config/names";
import { vmMetadata } from "./components/metadata";
import { startupLoader, startupScript } from "./startup";
import { startupKey } from "../rules/contract";
import type { FlakeUser } from "../rules/flake-names";
import { flakeUser } from "./config/vms/vms";
import { repositoryWarnings } from "./preflight/warnings";
import { checkStack } from "./config/vms/vms-file";

/** The address at which the program would reach VMs by SSH. */
type Ssh = Pick<FleetConfig["ssh"], "port" | "addresses"> & { bastion?: { host: string; port: number } };

interface Expected {
  project: string;
  fleet: string;
  source: { repository: string; branch: string; subdirectory?: string };
  apis: string[];
  /** What a person should know of the settings before an update, a line each. */
  warnings: string[];
  region: string;
  zone: string;
  /** Items of the project's metadata that the program owns, without those of a rollout. */
  projectMetadata: Record<string, string>;
  /** The home disks of which the stack takes a snapshot each day. */
  snapshotDisks: { name: string; zone: string }[];
  vms: (FlakeUser & { zone: string; machineType: string; image: string; metadata: Record<string, string> })[];
  /** The images that the program creates, by their names and families. */
  madeImages: string[];
  ssh?: Ssh;
}

/**
 * The settings, or every mistake, one line each.
 * @param encrypted full keys of the values that Pulumi keeps as secrets
 * @param directory the base of relative paths
 */
export function expectedOf(
  { values, encrypted }: { values: RawConfig; encrypted: readonly string[] },
  stack: string,
  directory: string,
): { settings?: Expected; mistakes: string[] } {
  const { config, source, mistakes } = checkStack(values, stack, directory, encrypted);
  if (mistakes.length > 0 || config === undefined || source === undefined) return { mistakes };
  const script = startupScript();
  const loader = startupLoader(config, script);
  const { project, region, zone, fleet, trigger, ssh } = config;
  const { port, addresses, bastion } = ssh;
  return {
    mistakes,
    settings: {
      project,
      region,
      zone,
      fleet,
      source: {
        repository: source.repository,
        branch: source.branch,
        ...(source.subdirectory === undefined ? {} : { subdirectory: source.subdirectory }),
      },
      warnings: repositoryWarnings(config),
      apis: apisOf(config).map((api) => `${api}.googleapis.com`),
      projectMetadata: { [startupKey(fleet, stack)]: script },
      vms: config.vms.map((vm) => ({
        zone: vm.zone,
        machineType: vm.machineType,
        image: vm.image,
        ...flakeUser(vm),
        metadata: vmMetadata(config, vm, loader),
      })),
      madeImages: madeImages(config),
      snapshotDisks: config.vms.flatMap(({ name, zone, homeDisk }) =>
        config.snapshots === undefined || homeDisk === undefined ? [] : [{ name: homeDiskName(name), zone }],
      ),
      ...(trigger === "ssh" ? { ssh: { port, addresses, ...(bastion === undefined ? {} : { bastion }) } } : {}),
    },
  };
}
