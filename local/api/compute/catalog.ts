/** What a cloud offers without anyone having made it: regions, zones, machine types, disk types, images. */
import { guestOsFeatures } from "../../../rules/google-catalog";
import type { Resource } from "../types";
import { linkTo } from "../paths";

const zoneLetters: Record<string, string> = {
  "asia-east1": "abc",
  "asia-northeast1": "abc",
  "asia-south1": "abc",
  "asia-southeast1": "abc",
  "australia-southeast1": "abc",
  "europe-central2": "abc",
  "europe-north1": "abc",
  "europe-southwest1": "abc",
  "europe-west1": "bcd",
  "europe-west2": "abc",
  "europe-west3": "abc",
  "europe-west4": "abc",
  "europe-west6": "abc",
  "europe-west8": "abc",
  "europe-west9": "abc",
  "northamerica-northeast1": "abc",
  "southamerica-east1": "abc",
  "us-central1": "abcf",
  "us-east1": "bcd",
  "us-east4": "abc",
  "us-west1": "abc",
  "us-west2": "abc",
};

export const regions: readonly string[] = Object.keys(zoneLetters);

function zonesOf(region: string): string[] {
  return Array.from(zoneLetters[region] ?? "", (letter) => `${region}-${letter}`);
}

export const zones: readonly string[] = regions.flatMap(zonesOf);

export function regionOf(zone: string): string {
  return zone.replace(/-[a-z]$/, "");
}

/** CPUs and MiB of a predefined machine type by name: the shared-core ones, then families by rule. */
const sharedCore: Record<string, [cpus: number, memoryMb: number]> = {
  "e2-micro": [2, 1024],
  "e2-small": [2, 2048],
  "e2-medium": [2, 4096],
  "f1-micro": [1, 614],
  "g1-small": [1, 1740],
};
const families: Record<string, { sizes: number[]; gbPerCpu: Record<string, number> }> = {
  e2: { sizes: [2, 4, 8, 16, 32], gbPerCpu: { standard: 4, highmem: 8, highcpu: 1 } },
  n1: { sizes: [1, 2, 4, 8, 16, 32, 64, 96], gbPerCpu: { standard: 3.75, highmem: 6.5, highcpu: 0.9 } },
  n2: { sizes: [2, 4, 8, 16, 32, 48, 64, 80], gbPerCpu: { standard: 4, highmem: 8, highcpu: 1 } },
  n2d: { sizes: [2, 4, 8, 16, 32, 48, 64, 80], gbPerCpu: { standard: 4, highmem: 8, highcpu: 1 } },
  c3: { sizes: [4, 8, 22, 44, 88], gbPerCpu: { standard: 4, highmem: 8, highcpu: 2 } },
  c4: { sizes: [2, 4, 8, 16, 24, 32, 48, 96], gbPerCpu: { standard: 3.75, highmem: 7.75, highcpu: 2 } },
  n4: { sizes: [2, 4, 8, 16, 32, 48, 64, 80], gbPerCpu: { standard: 4, highmem: 8, highcpu: 2 } },
};

const machineTypes = new Map<string, [cpus: number, memoryMb: number]>([
  ...Object.entries(sharedCore),
  ...Object.entries(families).flatMap(([family, { sizes, gbPerCpu }]) =>
    Object.entries(gbPerCpu).flatMap(([shape, gb]) =>
      sizes.map((cpus): [string, [number, number]] => [
        `${family}-${shape}-${cpus}`,
        [cpus, Math.round(cpus * gb * 1024)],
      ]),
    ),
  ),
]);

/** Undefined if there is no such type. Custom types are made on demand, as in Compute. */
export function machineType(project: string, zone: string, name: string): Resource | undefined {
  const custom = /^(?:(?:e2|n1|n2|n2d|n4)-)?custom-(\d+)-(\d+)(?:-ext)?$/.exec(name);
  const shape = custom === null ? machineTypes.get(name) : [Number(custom[1]), Number(custom[2])];
  if (shape === undefined) {
    return undefined;
  }
  return offer(project, "compute#machineType", `zones/${zone}/machineTypes/${name}`, {
    guestCpus: shape[0],
    memoryMb: shape[1],
    isSharedCpu: name in sharedCore,
    zone,
  });
}

export function machineTypeNames(): string[] {
  return [...machineTypes.keys()];
}

export const diskTypes: readonly string[] = ["pd-standard", "pd-balanced", "pd-ssd", "hyperdisk-balanced"];

export function diskType(project: string, zone: string, name: string): Resource | undefined {
  return diskTypes.includes(name)
    ? offer(project, "compute#diskType", `zones/${zone}/diskTypes/${name}`, {
        zone: linkTo(project, `zones/${zone}`),
        defaultDiskSizeGb: "100",
        validDiskSize: "10GB-65536GB",
      })
    : undefined;
}

/** The predefined images, `project/family`: each family has one image. The local project's image is the machines' own. */
const publicImages = [
  { project: "debian-cloud", family: "debian-12", name: "debian-12-bookworm-v20250610" },
  { project: "debian-cloud", family: "debian-13", name: "debian-13-trixie-v20250812" },
  { project: "nixos-cloud", family: "nixos-24-05", name: "nixos-image-24-05-google-compute" },
];
const ownImage = { family: "nixos-fleet", name: "nixos-fleet-v20260601" };

/** All images of a project, including the cloud's own image. */
export function imagesOf(owner: string, project: string): Resource[] {
  const known =
    owner === project ? [{ project, ...ownImage }] : publicImages.filter((image) => image.project === owner);
  return known.map(({ family, name }) =>
    offer(owner, "compute#image", `global/images/${name}`, {
      family,
      status: "READY",
      sourceType: "RAW",
      diskSizeGb: "10",
      archiveSizeBytes: "524288000",
      architecture: "X86_64",
      licenses: [linkTo(owner, `global/licenses/${family}`)],
      guestOsFeatures,
      labelFingerprint: "42WmSpB8rSM=",
    }),
  );
}

/** Whether a project exists for reading images. */
export function hasImages(owner: string, project: string): boolean {
  return owner === project || publicImages.some((image) => image.project === owner);
}

export function region(project: string, name: string): Resource | undefined {
  return regions.includes(name)
    ? offer(project, "compute#region", `regions/${name}`, {
        status: "UP",
        zones: zonesOf(name).map((zone) => linkTo(project, `zones/${zone}`)),
      })
    : undefined;
}

export function zone(project: string, name: string): Resource | undefined {
  return zones.includes(name)
    ? offer(project, "compute#zone", `zones/${name}`, {
        status: "UP",
        region: linkTo(project, `regions/${regionOf(name)}`),
        availableCpuPlatforms: ["Intel Broadwell"],
      })
    : undefined;
}

/** A predefined resource. Its id derives from its path, so that it stays the same. */
function offer(project: string, kind: string, path: string, fields: object): Resource {
  let hash = 7;
  for (const character of path) {
    hash = (hash * 31 + character.charCodeAt(0)) % 1_000_000_007;
  }
  return {
    kind,
    id: String(1_000_000_000_000 + hash),
    creationTimestamp: "2026-01-01T00:00:00.000-08:00",
    name: path.slice(path.lastIndexOf("/") + 1),
    selfLink: linkTo(project, path),
    ...fields,
  };
}
