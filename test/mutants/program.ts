/** The rules by which the Pulumi program keeps VMs, disks and access from being lost. */
import { unit, type Mutant } from "./mutant";

const vmChanges = unit("infra/vm-changes");

export const programMutants: readonly Mutant[] = [
  {
    rule: "a disk that someone attached by hand stays attached",
    file: "infra/preflight/attached-disks.ts",
    before: "return foreignDisks(present).length > 0 && homeIsPlaced(vm, present);",
    after: "return false;",
    tests: vmChanges,
  },
  {
    rule: "the home disk is not attached or detached beside a disk that would be detached with it",
    file: "infra/preflight/attached-disks.ts",
    before: "if (homeIsPlaced(vm, present))",
    after: "if (true)",
    tests: vmChanges,
  },
  {
    rule: "another network or account stops no running VM unless that is allowed",
    file: "infra/preflight/vm-changes.ts",
    before: "if (allowStopping) return [];",
    after: "if (true) return [];",
    tests: vmChanges,
  },
  {
    rule: "a replacement that takes homes with it is named before",
    file: "infra/preflight/vm-changes.ts",
    before: "if (bootDiskGb === undefined || disks.some((disk) => disk.name === homeDiskName(name))) return [];",
    after: "if (true) return [];",
    tests: vmChanges,
  },
  {
    rule: "a change of access that Google refused is not taken for made",
    file: "infra/components/rollout/delayed-failures.ts",
    before: "if (!sendsNothing(update)) return;",
    after: "if (true) return;",
    tests: ["test/program/refused.test.ts"],
    only: "makes a change of access",
  },
  {
    rule: "a change of access that Google refuses again takes no one's access",
    file: "infra/components/access.ts",
    before: "const DELETED_FIRST = { deleteBeforeReplace: true };",
    after: 'const DELETED_FIRST = { deleteBeforeReplace: true, replaceOnChanges: ["#initerror"] };',
    tests: ["test/program/refused.test.ts"],
    only: "takes no one's access",
  },
  {
    rule: "one key in clear among encrypted ones is refused",
    file: "infra/config/secrets.ts",
    before: "files.some((file) => stands(value, file))",
    after: "false",
    tests: unit("infra/config/vms-file"),
  },
  {
    rule: "a bastion that does not answer ends no rollout",
    file: "infra/components/rollout/trigger.ts",
    before: "bastion !== undefined && !(await",
    after: "bastion === null && !(await",
    tests: unit("infra/trigger"),
  },
  {
    rule: "a home disk that cannot be created keeps no wave from its approval",
    file: "infra/components/fleet.ts",
    before: "const disksApart = { ...part, ...failures.waitForDisks(decided.moving) };",
    after: "const disksApart = part;",
    tests: ["test/program/proof.test.ts"],
    only: "from no other where it is the home disk",
  },
  {
    rule: "an update that the project's metadata do not take stops before it changes anything",
    file: "infra/preflight/metadata-size.ts",
    before: "const overflows = bytes > METADATA_BYTES && changed.length > 0;",
    after: "const overflows = false;",
    tests: unit("infra/warnings"),
  },
  {
    rule: "an update of more VMs than the fleet's subnet has addresses stops before it changes anything",
    file: "infra/preflight/subnet.ts",
    before: "if (needed <= roomOf(bits)) return [];",
    after: "if (true) return [];",
    tests: unit("infra/subnet"),
  },
  {
    rule: "the policy pack checks the bindings of whole policies",
    file: "policy/grants.ts",
    before: "if (POLICY.test(type)) return",
    after: "if (false) return",
    tests: unit("infra/policy"),
  },
];
