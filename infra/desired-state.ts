/** What the program makes of a stack's settings, for those who compare it with what is there. */
import { apisOf } from "./components/apis";
import type { FleetConfig, RawConfig } from "./config/fleet-config";
import { vmMetadata } from "./components/metadata";
import { startupLoader, startupScript } from "./startup";
import { startupKey } from "../rules/contract";
import type { FlakeUser } from "../rules/flake-names";
import { flakeUser } from "./config/vms/vms";
import { checkStack } from "./config/vms/vms-file";

/** Where the program would reach VMs by SSH. */
type Ssh = Pick<FleetConfig["ssh"], "port" | "addresses"> & { bastion?: { host: string; port: number } };

interface Expected {
  project: string;
  fleet: string;
  source: { repository: string; branch: string; subdirectory?: string };
  apis: string[];
  region: string;
  zone: string;
  /** Items of the project's metadata that are the program's and not a rollout's. */
  projectMetadata: Record<string, string>;
  vms: (FlakeUser & { zone: string; machineType: string; metadata: Record<string, string> })[];
  ssh?: Ssh;
}

/**
 * The settings, or every mistake, one line each.
 * @param encrypted full keys of what Pulumi keeps as secrets
 * @param directory what relative paths start from
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
      apis: apisOf(config).map((api) => `${api}.googleapis.com`),
      projectMetadata: { [startupKey(fleet, stack)]: script },
      vms: config.vms.map((vm) => ({
        zone: vm.zone,
        machineType: vm.machineType,
        ...flakeUser(vm),
        metadata: vmMetadata(config, vm, loader),
      })),
      ...(trigger === "ssh" ? { ssh: { port, addresses, ...(bastion === undefined ? {} : { bastion }) } } : {}),
    },
  };
}
