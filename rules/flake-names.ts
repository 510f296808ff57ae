/** Finds the hosts and homes of a stack that its flakes do not have. Pure. */
import { repositoryKey } from "./rollout/approval";
import { didYouMean } from "./text/did-you-mean";
import { firstOf } from "./text/text";

/** The attributes of a flake's `nixosConfigurations` and `homeConfigurations`. */
export interface FlakeNames {
  hosts: string[];
  homes: string[];
}

/** What a VM uses from the config repository's flake. */
export interface FlakeUser {
  name: string;
  /** Its `nixosConfigurations` attribute. */
  host: string;
  /** The `homeConfigurations` attributes of its homes that have no repository of their own. */
  homes: string[];
  /** Its homes that come from repositories of their own. */
  ownHomes: OwnHome[];
}

/** A home from its own repository. */
export interface OwnHome {
  repository: string;
  branch: string;
  /** Its `homeConfigurations` attribute. */
  attribute: string;
}

/** A line for each missing name, with the VMs that use it and the name that was probably meant. */
export function missingNames(
  vms: readonly FlakeUser[],
  { hosts, homes }: FlakeNames,
): { hosts: string[]; homes: string[] } {
  const lines = (
    output: string,
    kind: string,
    there: readonly string[],
    namesOf: (vm: FlakeUser) => readonly string[],
  ) => {
    const missing = [...new Set(vms.flatMap(namesOf))].filter((name) => !there.includes(name));
    return missing.map((name) => {
      const of = vms.filter((vm) => namesOf(vm).includes(name)).map((vm) => vm.name);
      return `there is no ${output}.${name}, the ${kind} of ${firstOf(of)}${didYouMean(name, there)}`;
    });
  };
  return {
    hosts: lines("nixosConfigurations", "host", hosts, ({ host }) => [host]),
    homes: lines("homeConfigurations", "home", homes, (vm) => vm.homes),
  };
}

/** The repositories of these VMs' homes other than the config repository, each branch once. */
export function ownRepositories(vms: readonly FlakeUser[]): Pick<OwnHome, "repository" | "branch">[] {
  const all = vms.flatMap(({ ownHomes }) => ownHomes);
  const places = all.map(({ repository, branch }) => ({ repository, branch }));
  return [...new Map(places.map((place) => [repositoryKey(place), place])).values()];
}

/** A line for each home that its own repository does not have. @param homes the attributes of its `homeConfigurations` */
export function missingOwnHomes(
  vms: readonly FlakeUser[],
  { repository, branch }: Pick<OwnHome, "repository" | "branch">,
  homes: readonly string[],
): string[] {
  const from = (vm: FlakeUser) =>
    vm.ownHomes.filter((home) => home.repository === repository && home.branch === branch);
  const users = vms.map((vm) => ({ ...vm, homes: from(vm).map(({ attribute }) => attribute) }));
  return missingNames(users, { hosts: vms.map(({ host }) => host), homes: [...homes] }).homes.map(
    (line) => `${repository}, branch ${branch}: ${line}`,
  );
}
