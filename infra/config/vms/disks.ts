/** Home disks and their snapshots. */
import * as z from "zod";
import { quote } from "../parse";
import { homeDiskName, LONGEST_WITH_HOME_DISK } from "../names";
import { check } from "../schema";

/** In GB: the sizes that Compute accepts for a disk. */
export const diskSize = z.int().min(10).max(65536);

/** The disk types that work with any machine. */
export const diskType = z.enum(["pd-standard", "pd-balanced", "pd-ssd", "hyperdisk-balanced"]);

/** Families that take only Hyperdisk, and families that do not take it (cloud.google.com/compute/docs/disks/hyperdisks). */
const HYPERDISK_ALONE = /^(c4|c4a|c4d|n4|n4a|n4d|h4d|m4|x4)-/;
const NO_HYPERDISK = /^(e2|f1|g1|n1|n2|n2d|t2a|t2d|c2|c2d)-/;

/** The default type of a boot disk. */
export function defaultDiskType(machineType: string): z.infer<typeof diskType> {
  return HYPERDISK_ALONE.test(machineType) ? "hyperdisk-balanced" : "pd-balanced";
}

/** A line if a machine type does not take disks of this type. */
export function diskTypeMistake(
  key: string,
  machineType: string,
  type: z.infer<typeof diskType> | undefined,
): string[] {
  if (type === undefined) return [];
  const hyperdisk = type.startsWith("hyperdisk-");
  if (HYPERDISK_ALONE.test(machineType) && !hyperdisk)
    return [`${key}: ${quote(type)} does not fit ${machineType}, which takes hyperdisk-balanced`];
  return NO_HYPERDISK.test(machineType) && hyperdisk
    ? [`${key}: ${quote(type)} does not fit ${machineType}, which takes pd-balanced, pd-ssd or pd-standard`]
    : [];
}

export interface HomeDisk {
  sizeGb: number;
  type: z.infer<typeof diskType>;
}

export const homeDisk = z
  .strictObject({
    sizeGb: diskSize.default(100),
    type: diskType.default("pd-balanced"),
  })
  .meta({ examples: [{ sizeGb: 100 }] });

const partial = z.strictObject({ sizeGb: diskSize.optional(), type: diskType.optional() });

export const ownHomeDisk = z.union([z.literal(false), partial], {
  error: `must be false or { sizeGb, type }, of 10 to 65536 GB and one of the types ${diskType.options.join(", ")}`,
});

/** A VM's setting: its own overrides the fleet's. Undefined if neither is set, or if it is `false`. */
export function homeDiskOf(
  own: z.infer<typeof ownHomeDisk> | undefined,
  fleet: HomeDisk | undefined,
): HomeDisk | undefined {
  if (own === false || (own === undefined && fleet === undefined)) return undefined;
  const { sizeGb, type } = own ?? {};
  const base = fleet ?? homeDisk.parse({});
  return { sizeGb: sizeGb ?? base.sizeGb, type: type ?? base.type };
}

export const snapshotKeys = {
  snapshots: z
    .strictObject({
      // Compute takes only these times for a daily schedule (DailySchedule of the gcp provider's ResourcePolicy). In UTC.
      at: z.enum(["00:00", "04:00", "08:00", "12:00", "16:00", "20:00"]).default("04:00"),
      keepDays: z.int().min(1).max(3650).default(14),
      location: z
        .string()
        .regex(/^[a-z]+(-[a-z]+[0-9]+)?$/, "must be a region or a multi-region such as eu")
        .optional(),
    })
    .optional(),
};

const withHomes = z.object({
  vms: z.array(z.object({ name: z.string(), homeDisk: ownHomeDisk.optional() })),
  defaults: z.object({ homeDisk: homeDisk.optional() }).prefault({}),
});

/** Home disk names are the VM's name with a suffix, and snapshots are of home disks. */
export const checkDisks = [
  check(withHomes, ({ vms, defaults }) =>
    vms.flatMap(({ name, homeDisk: own }, index) =>
      name.length <= LONGEST_WITH_HOME_DISK || homeDiskOf(own, defaults.homeDisk) === undefined
        ? []
        : [
            `vms[${index}].name: ${quote(name)} must have ${LONGEST_WITH_HOME_DISK} characters at most with a home disk`,
          ],
    ),
  ),
  check(withHomes, ({ vms, defaults }) =>
    vms.flatMap(({ name }, index) => {
      const other = vms.find((vm) => homeDiskName(vm.name) === name);
      return other === undefined || homeDiskOf(other.homeDisk, defaults.homeDisk) === undefined
        ? []
        : [
            `vms[${index}].name: ${quote(name)} is the name of the home disk of ${quote(other.name)}, and a boot disk has its VM's name; choose another name`,
          ];
    }),
  ),
  check(withHomes.extend({ snapshots: z.object({}) }), ({ vms, defaults }) =>
    vms.length === 0 || vms.some(({ homeDisk: own }) => homeDiskOf(own, defaults.homeDisk) !== undefined)
      ? []
      : ["snapshots: no VM has a home disk of which there could be some; set defaults.homeDisk or a VM's homeDisk"],
  ),
];
