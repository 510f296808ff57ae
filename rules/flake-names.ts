/** Which hosts and homes of a stack the config repository's flake does not have. Pure. */
import { didYouMean } from "./text/did-you-mean";

/** The attributes of a flake's `nixosConfigurations` and `homeConfigurations`. */
export interface FlakeNames {
  hosts: string[];
  homes: string[];
}

/** What a VM takes of the config repository's flake. */
export interface FlakeUser {
  name: string;
  /** Its `nixosConfigurations` attribute. */
  host: string;
  /** The `homeConfigurations` attributes of its homes, of those that have no repository of their own. */
  homes: string[];
}

/** A line for each name that is not there, with the VMs that it is for and the one that was probably meant. */
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
      return `there is no ${output}.${name}, the ${kind} of ${of.join(", ")}${didYouMean(name, there)}`;
    });
  };
  return {
    hosts: lines("nixosConfigurations", "host", hosts, ({ host }) => [host]),
    homes: lines("homeConfigurations", "home", homes, (vm) => vm.homes),
  };
}
