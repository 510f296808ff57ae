/** Hosts and homes that the config repository's flake does not have. */
import { expect, it } from "vitest";
import { missingNames } from "../../../rules/flake-names";

const vm = (name: string, host = name, ...homes: string[]) => ({ name, host, homes });
const names = { hosts: ["dev-alice", "dev-bob"], homes: ["alice", "bob"] };

it.each<[string, Parameters<typeof missingNames>[0], ReturnType<typeof missingNames>]>([
  ["all there", [vm("dev-alice", "dev-alice", "alice"), vm("dev-2", "dev-bob", "bob")], { hosts: [], homes: [] }],
  [
    "a host mistyped",
    [vm("dev-alice", "dev-alcie")],
    {
      hosts: ['there is no nixosConfigurations.dev-alcie, the host of dev-alice; did you mean "dev-alice"?'],
      homes: [],
    },
  ],
  [
    "one host of several VMs, in one line, and nothing like it",
    [vm("a", "workstation"), vm("b", "workstation"), vm("dev-bob")],
    { hosts: ["there is no nixosConfigurations.workstation, the host of a, b"], homes: [] },
  ],
  [
    "a home mistyped",
    [vm("dev-alice", "dev-alice", "alcie", "bob")],
    { hosts: [], homes: ['there is no homeConfigurations.alcie, the home of dev-alice; did you mean "alice"?'] },
  ],
])("%s", (_, vms, missing) => {
  expect(missingNames(vms, names)).toEqual(missing);
});
