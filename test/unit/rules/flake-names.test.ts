/** Hosts and homes that the flakes do not have which they are to come from. */
import { describe, expect, it } from "vitest";
import { missingNames, missingOwnHomes, ownRepositories, type OwnHome } from "../../../rules/flake-names";

const vm = (name: string, host = name, ...homes: string[]) => ({ name, host, homes, ownHomes: new Array<OwnHome>() });
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

it("names the first of many VMs", () => {
  const [line] = missingNames(
    Array.from({ length: 1000 }, (_, i) => vm(`dev-${i}`, "workstation")),
    names,
  ).hosts;
  expect(line).toMatch(/the host of dev-0, .*dev-5 and 994 more$/);
});

describe("homes out of repositories of their own", () => {
  const own = (repository: string, attribute: string, branch = "main"): OwnHome => ({ repository, branch, attribute });
  const vms = [
    { ...vm("dev-alice"), ownHomes: [own("git://x/alice", "alcie"), own("git://x/shared", "alice", "next")] },
    { ...vm("dev-bob"), ownHomes: [own("git://x/shared", "bob", "next"), own("git://x/shared", "bob")] },
  ];

  it("come from each branch of a repository once", () => {
    expect(ownRepositories(vms)).toEqual([
      { repository: "git://x/alice", branch: "main" },
      { repository: "git://x/shared", branch: "next" },
      { repository: "git://x/shared", branch: "main" },
    ]);
    expect(ownRepositories([vm("dev-alice")])).toEqual([]);
  });

  it("are looked for in their own repository and branch alone", () => {
    expect(missingOwnHomes(vms, { repository: "git://x/alice", branch: "main" }, ["alice"])).toEqual([
      'git://x/alice, branch main: there is no homeConfigurations.alcie, the home of dev-alice; did you mean "alice"?',
    ]);
    expect(missingOwnHomes(vms, { repository: "git://x/shared", branch: "next" }, ["alice", "bob"])).toEqual([]);
    expect(missingOwnHomes(vms, { repository: "git://x/shared", branch: "main" }, [])).toHaveLength(1);
  });
});
