/** What of a project's fleets is there already: read before an update, so that it can be told what it would lose. */
import type { compute_v1 } from "@googleapis/compute/build/v1";
import { contract, type Inventory } from "../../rules/contract";
import { computeApi, everywhere, type ComputeOptions } from "./compute-api";
import { withRetry } from "./retry";

const fields = {
  instances:
    "name,zone,status,labels,machineType,deletionProtection,disks(boot,diskSizeGb),networkInterfaces/subnetwork",
  disks: "name,zone,labels,type,sizeGb",
};

/** The VMs and disks of all fleets of the project, by their label. @throws ApiError */
export async function readInventory(options: ComputeOptions): Promise<Inventory> {
  const { project, signal } = options;
  const api = computeApi(options);
  const call = async <T>(request: () => Promise<{ data: T }>) => (await withRetry(request, { signal })).data;
  const list = (kind: keyof typeof fields, pageToken: { pageToken?: string }) => ({
    project,
    filter: `labels.${contract.labels.fleet}:*`,
    fields: `items/*(${kind}(${fields[kind]}),warning/code),nextPageToken`,
    ...pageToken,
  });
  const [instances, disks] = await Promise.all([
    everywhere(
      (token) => call(() => api.instances.aggregatedList(list("instances", token))),
      ({ instances: found }: compute_v1.Schema$InstancesScopedList) => found,
    ),
    everywhere(
      (token) => call(() => api.disks.aggregatedList(list("disks", token))),
      ({ disks: found }: compute_v1.Schema$DisksScopedList) => found,
    ),
  ]);
  const links = new Set(instances.map(subnetworkOf));
  const ranges = await Promise.all(
    [...links].map(async (link) => {
      const [, host = project, region = "", subnetwork = ""] =
        /projects\/([^/]+)\/regions\/([^/]+)\/subnetworks\/([^/]+)$/.exec(link) ?? [];
      const found = await call(() => api.subnetworks.get({ project: host, region, subnetwork, fields: "ipCidrRange" }));
      return [link, found.ipCidrRange ?? ""] as const;
    }),
  );
  const cidrs = new Map(ranges);
  return {
    vms: instances.map((instance) => ({
      ...ownerOf(instance),
      wave: instance.labels?.[contract.labels.wave] ?? "",
      machineType: leaf(instance.machineType),
      running: instance.status !== "TERMINATED",
      deletionProtection: instance.deletionProtection ?? false,
      bootDiskGb: Number(instance.disks?.find(({ boot }) => boot)?.diskSizeGb),
      cidr: cidrs.get(subnetworkOf(instance)) ?? "",
    })),
    disks: disks.map((disk) => ({ ...ownerOf(disk), type: leaf(disk.type), sizeGb: Number(disk.sizeGb) })),
  };
}

function ownerOf({ name, zone, labels }: compute_v1.Schema$Instance | compute_v1.Schema$Disk) {
  const { fleet, stack } = contract.labels;
  return { name: name ?? "", zone: leaf(zone), fleet: labels?.[fleet] ?? "", stack: labels?.[stack] ?? "" };
}

function subnetworkOf({ networkInterfaces }: compute_v1.Schema$Instance): string {
  return networkInterfaces?.[0]?.subnetwork ?? "";
}

/** What a link ends with. */
function leaf(link: string | null | undefined): string {
  return (link ?? "").replace(/^.*\//, "");
}
