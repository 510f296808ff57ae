/** The VMs: their settings and the defaults of these. */
import * as z from "zod";
import type { FlakeUser } from "../../../rules/flake-names";
import type { Home } from "../../../rules/instance-metadata";
import { shapes } from "../../../rules/shapes";
import {
  defaultDiskType,
  diskTypeMistake,
  diskSize,
  diskType,
  homeDisk,
  homeDiskOf,
  ownHomeDisk,
  type HomeDisk,
} from "./disks";
import { defaultZone, zone } from "../google";
import { quote } from "../parse";
import { attribute, branch, repository } from "../repository/git";
import { check, computeName, userName } from "../schema";

const machineType = z
  .string()
  .regex(/^[a-z0-9]+(-[a-z0-9]+)+$/, "must be a Compute machine type such as e2-standard-4");
const image = z
  .string()
  .regex(
    shapes.image,
    "must be an image or a family, such as nixos-fleet or projects/PROJECT/global/images/family/nixos-fleet",
  );

const home = z
  .strictObject({
    user: userName.refine((name) => name !== "root", "must be a person's user name, not root"),
    attribute: attribute.optional(),
    repository: repository.optional(),
    branch: branch.optional(),
  })
  .meta({ examples: [{ user: "alice" }] });

/** Compute takes 64 labels for a resource, and the program and Pulumi set some of their own. */
const LABELS = 56;

const labels = z
  .record(
    z
      .string()
      .regex(
        /^[a-z][-_a-z0-9]{0,62}$/,
        "must be a label key: a lower-case letter, then up to 62 letters, digits, - or _",
      )
      .regex(
        /^(?!nixos-fleet|goog)/,
        "must not begin with nixos-fleet or goog: such labels are set by the program and Google",
      ),
    z.string().regex(/^[-_a-z0-9]{0,63}$/, "must be a label value: up to 63 lower-case letters, digits, - or _"),
  )
  .refine((written) => Object.keys(written).length <= LABELS, `must be ${LABELS} labels at most`);

const vm = z
  .strictObject({
    name: computeName,
    owner: z.string().min(1).optional(),
    host: attribute.optional(),
    zone: zone.optional(),
    machineType: machineType.optional(),
    diskSizeGb: diskSize.optional(),
    diskType: diskType.optional(),
    homeDisk: ownHomeDisk.optional(),
    image: image.optional(),
    homes: z.array(home).default([]),
    labels: labels.default({}),
    deletionProtection: z.boolean().optional(),
  })
  .meta({ examples: [{ name: "dev-alice" }] });

const defaults = z
  .strictObject({
    machineType: machineType.default("e2-standard-4"),
    image: image.default("nixos-fleet"),
    diskSizeGb: diskSize.default(100),
    diskType: diskType.optional(),
    homeDisk: homeDisk.optional(),
    labels: labels.default({}),
  })
  .meta({ examples: [{ machineType: "e2-standard-4" }] });

export const vmKeys = {
  vms: z.array(vm).meta({ minItems: 1 }),
  defaults: defaults.prefault({}),
  deletionProtection: z.boolean().default(true),
  protect: z.boolean().optional(),
  allowStopping: z.boolean().default(false),
  replace: z.array(z.string()).default([]),
};

/** A VM in the form of the settings. */
type WrittenVm = z.infer<typeof vm>;

/** The defaults for VMs. */
type VmDefaults = z.infer<typeof defaults>;

/** One VM with every default filled in. */
export interface VmConfig {
  name: string;
  owner?: string;
  host: string;
  wave: string;
  zone: string;
  machineType: string;
  diskSizeGb: number;
  /** The boot disk's type. */
  diskType: z.infer<typeof diskType>;
  homeDisk?: HomeDisk;
  image: string;
  homes: Home[];
  labels: Record<string, string>;
  /** The name of the schedule that starts and stops it. */
  schedule?: string | undefined;
  /** Whether Compute refuses to delete it. */
  deletionProtection: boolean;
  /** Whether Pulumi refuses to delete it. */
  protect: boolean;
}

/** Checks the whole list: a stack's share of it may be empty. */
export const checkAnyVm = check(z.object({ vms: z.tuple([]) }), () => ["vms: [] must name at least one VM"]);

/** Checks that names are unique and known, and that every VM is in the region of the fleet's subnet. */
export const checkVms = [
  check(z.object({ vms: z.array(z.object({ name: z.string() })), replace: z.array(z.string()) }), ({ vms, replace }) =>
    replace
      .filter((name) => !vms.some((vm) => vm.name === name))
      .map((name) => `replace: ${quote(name)} is not a VM of this fleet`),
  ),
  check(z.object({ vms: z.array(z.object({ name: z.string() })) }), ({ vms }) =>
    vms.flatMap(({ name }, index) =>
      vms.findIndex((other) => other.name === name) === index
        ? []
        : [`vms[${index}].name: ${quote(name)} is used twice; names of VMs are unique`],
    ),
  ),
  check(
    z.object({
      vms: z.array(z.object({ zone: zone.optional() })),
      "gcp:region": z.string(),
      "gcp:zone": z.string().optional(),
    }),
    ({ vms, "gcp:region": region, "gcp:zone": written }) =>
      vms
        .flatMap((vm, index) => {
          const where = vm.zone ?? defaultZone({ region, zone: written });
          const key = vm.zone === undefined ? "gcp:zone" : `vms[${index}].zone`;
          return where.startsWith(`${region}-`)
            ? []
            : [`${key}: ${quote(where)} is not in gcp:region ${quote(region)}, where the fleet's subnet is`];
        })
        // A wrong default zone is one mistake, however many VMs use it.
        .filter((line, index, all) => all.indexOf(line) === index),
  ),
];

/** Checks that no machine gets a boot disk or a home disk of a type that its family does not take. */
export const checkDiskTypes = check(
  z.object({
    vms: z.array(
      z.object({
        machineType: machineType.optional(),
        diskType: diskType.optional(),
        homeDisk: ownHomeDisk.optional(),
      }),
    ),
    defaults: defaults.prefault({}),
  }),
  ({ vms, defaults: general }) =>
    vms.flatMap((vm, index) => {
      const machine = vm.machineType ?? general.machineType;
      const boot = vm.diskType ?? general.diskType;
      const home = homeDiskOf(vm.homeDisk, general.homeDisk)?.type;
      // A mistake in a default is one mistake, at the place where the default is written.
      const inherits = vm.machineType === undefined;
      const bootKey = inherits && vm.diskType === undefined ? "defaults" : `vms[${index}]`;
      const homeKey = inherits && vm.homeDisk === undefined ? "defaults" : `vms[${index}]`;
      return [
        ...diskTypeMistake(`${bootKey}.diskType`, machine, boot),
        ...diskTypeMistake(`${homeKey}.homeDisk.type`, machine, home),
      ];
    }),
);

/** The VMs with their labels and the fleet's labels: waves and schedules find VMs by both. */
export function labelled<V extends { labels: Record<string, string> }>(
  vms: readonly V[],
  defaults: { labels: Record<string, string> },
): V[] {
  return vms.map((vm) => ({ ...vm, labels: { ...defaults.labels, ...vm.labels } }));
}

/** Fills in the settings that a VM does not set. */
export function completeVm(
  written: WrittenVm,
  fleet: {
    defaults: VmDefaults;
    zone: string;
    wave: string;
    deletionProtection: boolean;
    protect?: boolean | undefined;
  },
): VmConfig {
  const { owner, homeDisk: own, ...vm } = written;
  const { defaults } = fleet;
  const homeDisk = homeDiskOf(own, defaults.homeDisk);
  const deletionProtection = vm.deletionProtection ?? fleet.deletionProtection;
  const machineType = vm.machineType ?? defaults.machineType;
  return {
    ...vm,
    ...(owner === undefined ? {} : { owner }),
    ...(homeDisk === undefined ? {} : { homeDisk }),
    host: vm.host ?? vm.name,
    wave: fleet.wave,
    zone: vm.zone ?? fleet.zone,
    machineType,
    diskSizeGb: vm.diskSizeGb ?? defaults.diskSizeGb,
    diskType: vm.diskType ?? defaults.diskType ?? defaultDiskType(machineType),
    image: vm.image ?? defaults.image,
    deletionProtection,
    protect: fleet.protect ?? deletionProtection,
    homes: vm.homes.map(({ user, attribute, repository, branch }): Home => ({
      user,
      ...(repository === undefined ? {} : { repository }),
      ...(branch === undefined ? {} : { branch }),
      attribute: attribute ?? user,
    })),
  };
}

/** What a VM uses from flakes. */
export function flakeUser({ name, host, homes }: Pick<VmConfig, "name" | "host" | "homes">): FlakeUser {
  const ours = homes.filter(({ repository, branch }) => repository === undefined && branch === undefined);
  const own = homes.flatMap(({ repository, branch = "main", attribute }) =>
    repository === undefined ? [] : [{ repository, branch, attribute }],
  );
  return { name, host, homes: ours.map(({ attribute }) => attribute), ownHomes: own };
}
