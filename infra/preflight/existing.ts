/** What exists already of a project's fleets, read before an update with the provider's own identity. */
import * as pulumi from "@pulumi/pulumi";
import { compute_v1 } from "@googleapis/compute/build/v1";
import { getClientConfig } from "@pulumi/gcp/organizations/getClientConfig";
import { OAuth2Client } from "google-auth-library";
import * as z from "zod";
import { contract, type Inventory, type PresentVm } from "../../rules/contract";
import { listAggregated } from "../../rules/aggregated-list";
import { googleIdentity } from "../../rules/google-identity";
import { lastPart } from "../../rules/resource-link";
import { ConfigError } from "../config-error";
import type { FleetConfig, RawConfig } from "../config/fleet-config";
import { gatherOffers, type Offers } from "../../rules/google-catalog";
import type { HasImage } from "../../rules/vm-images";
import { foreignLister, type ListForeign } from "./foreign";
import { quotasOf, type ReadQuotas } from "./quotas";
import {
  accountOf,
  addressOf,
  bootDiskGbOf,
  bootDiskOf,
  otherDisksOf,
  ownerOf,
  stateOf,
  subnetworkOf,
} from "./instance-fields";
import { ours } from "./stack-moves";

interface Existing {
  /** The project's metadata, as VMs and gates read it. */
  metadata: Record<string, string>;
  /** The VMs and disks of all fleets of the project, by their label. */
  inventory: Inventory;
  /** Undefined before the Compute API is enabled, and if the identity may not list it. */
  offers?: Offers | undefined;
  /** Empty before the Compute API is enabled; the region's are also empty if they cannot be read. */
  quotas: ReadQuotas;
  /** Lists what belongs to no fleet. */
  listForeign: ListForeign;
  /** Whether an image exists. */
  hasImage: HasImage;
}

const FIELDS = {
  instances:
    "name,zone,status,labels,machineType,deletionProtection,disks(boot,diskSizeGb,source,deviceName),networkInterfaces(subnetwork,networkIP),serviceAccounts/email",
  disks: "name,zone,labels,type,sizeGb,users",
};

/** Milliseconds that one request may take. */
const TIMEOUT = 30_000;

/** The parts of an error of Google's client that are read here. */
const thrownShape = z.object({
  message: z.string(),
  response: z
    .object({
      status: z.number(),
      data: z.object({ error: z.object({ errors: z.array(z.object({ reason: z.string().optional() })).default([]) }) }),
    })
    .optional()
    .catch(undefined),
});

/**
 * The current state of the project; empty before its Compute API is enabled.
 * @param raw the stack's configuration, which may name another project to be billed
 * @param opts options that select the provider. Its token is used: the token of the account that it impersonates, if it does
 * @throws ConfigError if the provider is of another project, or if the project does not answer: unknown is not empty
 */
export async function readExisting(
  config: Reader & Pick<FleetConfig, "region" | "vms">,
  raw: RawConfig,
  opts: pulumi.InvokeOptions,
): Promise<Existing> {
  const { project, region, vms } = config;
  const { accessTokenFrom } = googleIdentity(raw, process.env, project);
  try {
    const api = await providersApi(project, raw, opts);
    const [found, inventory, offers, ofRegion] = await Promise.all([
      readProject(api, project),
      readInventory(api, config),
      readOffers(api, project, vms).catch(forbiddenIsUnknown),
      readRegionQuotas(api, project, region),
    ]);
    return {
      metadata: found.metadata,
      inventory,
      offers,
      quotas: { project: found.quotas, region: ofRegion },
      listForeign: foreignLister(api, project),
      hasImage: imageReader(api),
    };
  } catch (thrown) {
    if (thrown instanceof ConfigError) throw thrown;
    const { message, response } = thrownShape.safeParse(thrown).data ?? { message: String(thrown) };
    const reasons = response?.data.error.errors.map(({ reason }) => reason) ?? [];
    if (reasons.includes("accessNotConfigured"))
      return {
        ...{ metadata: {}, inventory: { vms: [], disks: [] }, quotas: { project: {}, region: {} } },
        listForeign: () => Promise.resolve([]),
        // Another project may have it.
        hasImage: () => Promise.resolve(true),
      };
    const status = response === undefined ? "" : `HTTP ${response.status}: `;
    const renew =
      response?.status === 401 && accessTokenFrom !== undefined
        ? `; the token of ${accessTokenFrom} may have expired: renew or remove it`
        : "";
    throw new ConfigError(
      [`gcp:project: ${project} cannot be read: ${status}${message.replace(/\s+/g, " ")}${renew}`],
      "NF103",
    );
  }
}

/** The project's metadata as they are now, with the provider's own identity. */
export async function readMetadataNow(
  project: string,
  raw: RawConfig,
  opts: pulumi.InvokeOptions,
): Promise<Record<string, string>> {
  return (await readProject(await providersApi(project, raw, opts), project)).metadata;
}

/** Whether images exist. Only "not found" is no: Compute itself later refuses what cannot be read here. */
export function imageReader(api: compute_v1.Compute): HasImage {
  return (kind, owner, name) => {
    const asked = { project: owner, fields: "name" };
    const found =
      kind === "image"
        ? api.images.get({ ...asked, image: name })
        : api.images.getFromFamily({ ...asked, family: name });
    return found.then(
      () => true,
      (thrown: unknown) => thrownShape.safeParse(thrown).data?.response?.status !== 404,
    );
  };
}

/** Compute's API with a token of the provider's, which ends after an hour. */
async function providersApi(project: string, raw: RawConfig, opts: pulumi.InvokeOptions): Promise<compute_v1.Compute> {
  const { quotaProject } = googleIdentity(raw, process.env, project);
  const { accessToken, project: provided } = await getClientConfig(opts);
  checkProject(project, provided);
  return computeApi(accessToken, quotaProject);
}

/** Resources that name no project, such as VMs, go into the provider's; everything else uses the setting. @throws ConfigError if they differ */
function checkProject(project: string, provided: string | undefined): void {
  if (provided === project) return;
  const other = provided === undefined || provided === "" ? "names no project" : `uses ${provided}`;
  throw new ConfigError([
    `gcp:project: the fleet is in ${project}, but its provider ${other}; set gcp:project to ${project}, or give the fleet a provider of ${project}`,
  ]);
}

function readOffers(api: compute_v1.Compute, project: string, vms: FleetConfig["vms"]): Promise<Offers> {
  const asked = { project, fields: "items/name,nextPageToken" };
  return gatherOffers(
    {
      zones: async (page) => (await api.zones.list({ ...asked, ...page })).data,
      machineTypes: async (zone, page) => (await api.machineTypes.list({ ...asked, zone, ...page })).data,
    },
    vms,
  );
}

/** A role without the right to read this list may go on without it: Compute itself later refuses what does not exist. */
function forbiddenIsUnknown(thrown: unknown): undefined {
  const { response } = thrownShape.safeParse(thrown).data ?? {};
  if (response?.status !== 403 || response.data.error.errors.some(({ reason }) => reason === "accessNotConfigured"))
    throw thrown;
}

/** Google's client, which by itself retries a read after a transient failure. */
function computeApi(token: string, quotaProject: string | undefined): compute_v1.Compute {
  const auth = new OAuth2Client(quotaProject === undefined ? {} : { quotaProjectId: quotaProject });
  auth.setCredentials({ access_token: token });
  const endpoint = process.env["NIXOS_FLEET_COMPUTE_ENDPOINT"];
  const elsewhere = endpoint === undefined ? undefined : new URL(endpoint);
  return new compute_v1.Compute({
    auth,
    timeout: TIMEOUT,
    ...(elsewhere === undefined ? {} : { rootUrl: `${elsewhere.origin}/`, noProxy: [elsewhere.hostname] }),
  });
}

async function readProject(
  api: compute_v1.Compute,
  project: string,
): Promise<{ metadata: Record<string, string>; quotas: ReadQuotas["project"] }> {
  const fields = "commonInstanceMetadata/items,quotas(metric,limit,usage)";
  const { data } = await api.projects.get({ project, fields });
  const items = data.commonInstanceMetadata?.items ?? [];
  return {
    metadata: Object.fromEntries(items.map(({ key, value }) => [key ?? "", value ?? ""])),
    quotas: quotasOf(data.quotas),
  };
}

/** Only a warning needs these, and Compute cannot always say them. */
async function readRegionQuotas(
  api: compute_v1.Compute,
  project: string,
  region: string,
): Promise<ReadQuotas["region"]> {
  const asked = { project, region, fields: "quotas(metric,limit,usage)" };
  return api.regions.get(asked).then(
    ({ data }) => quotasOf(data.quotas),
    () => ({}),
  );
}

type Reader = Pick<FleetConfig, "project" | "fleet" | "stack" | "stacks" | "replace">;

async function readInventory(api: compute_v1.Compute, config: Reader): Promise<Inventory> {
  const { project, replace } = config;
  const list = (kind: keyof typeof FIELDS, page: { pageToken?: string }) => ({
    project,
    filter: `labels.${contract.labels.fleet}:*`,
    fields: `items/*(${kind}(${FIELDS[kind]}),warning/code),nextPageToken`,
    ...page,
  });
  const [instances, disks] = await Promise.all([
    listAggregated(
      async (page) => (await api.instances.aggregatedList(list("instances", page))).data,
      ({ instances: found }: compute_v1.Schema$InstancesScopedList) => found,
      unreachable,
    ),
    listAggregated(
      async (page) => (await api.disks.aggregatedList(list("disks", page))).data,
      ({ disks: found }: compute_v1.Schema$DisksScopedList) => found,
      unreachable,
    ),
  ]);
  const replaceable = instances.filter(({ name }) => replace.includes(name ?? ""));
  const [subnets, bootDiskTypes] = await Promise.all([
    // Another fleet's subnet may be in a project that this identity may not read.
    readSubnets(api, project, new Set(instances.filter((one) => ours(config, ownerOf(one))).map(subnetworkOf))),
    readBootDiskTypes(api, project, replaceable),
  ]);
  return {
    vms: instances.map((instance) => ({
      ...ownerOf(instance),
      wave: instance.labels?.[contract.labels.wave] ?? "",
      machineType: lastPart(instance.machineType),
      ...stateOf(instance),
      deletionProtection: instance.deletionProtection ?? false,
      ...bootDiskGbOf(instance),
      disks: otherDisksOf(instance),
      ...addressOf(instance),
      ...bootDiskTypes.get(instance),
      ...(subnets.get(subnetworkOf(instance)) ?? { cidr: "", subnetwork: subnetworkOf(instance) }),
      ...accountOf(instance),
    })),
    disks: disks.map((disk) => ({
      ...ownerOf(disk),
      type: lastPart(disk.type),
      sizeGb: Number(disk.sizeGb),
      attachedTo: (disk.users ?? []).map(lastPart),
    })),
  };
}

/** The network and subnet of a VM. */
type Connection = Pick<PresentVm, "cidr" | "network" | "subnetwork">;

/** Each subnet by its link: its IPv4 range and its network. */
async function readSubnets(
  api: compute_v1.Compute,
  project: string,
  links: ReadonlySet<string>,
): Promise<Map<string, Connection>> {
  const ranges = await Promise.all(
    [...links].map(async (link) => {
      const [, host = project, region = "", subnetwork = ""] =
        /projects\/([^/]+)\/regions\/([^/]+)\/subnetworks\/([^/]+)$/.exec(link) ?? [];
      const { data } = await api.subnetworks.get({ project: host, region, subnetwork, fields: "ipCidrRange,network" });
      const network = data.network ?? undefined;
      return [
        link,
        { cidr: data.ipCidrRange ?? "", subnetwork: link, ...(network === undefined ? {} : { network }) },
      ] as const;
    }),
  );
  return new Map(ranges);
}

/** The type of each VM's boot disk. Boot disks have no label of the fleet, so the list of disks lacks them. */
async function readBootDiskTypes(
  api: compute_v1.Compute,
  project: string,
  instances: readonly compute_v1.Schema$Instance[],
): Promise<Map<compute_v1.Schema$Instance, Pick<PresentVm, "bootDiskType">>> {
  const types = instances.map(async (instance) => {
    const disk = lastPart(bootDiskOf(instance)?.source);
    if (disk === "") return [instance, {}] as const;
    const { data } = await api.disks.get({ project, zone: lastPart(instance.zone), disk, fields: "type" });
    return [instance, { bootDiskType: lastPart(data.type) }] as const;
  });
  return new Map(await Promise.all(types));
}

function unreachable(zone: string): Error {
  return new Error(`Compute returned nothing of ${zone}; try again in a minute`);
}
