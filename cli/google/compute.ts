import { setTimeout as sleep } from "node:timers/promises";
import type { compute_v1 } from "@googleapis/compute/build/v1";
import { ApiError } from "./api-error";
import { computeApi, unreachable, type ComputeOptions } from "./compute-api";
import type { ComputeClient, Disk, Instance, NewSnapshot, TakenSnapshot } from "./compute-interfaces";
import { listAggregated } from "../../rules/aggregated-list";
import { gatherOffers, type Offers, type Wanted } from "../../rules/google-catalog";
import type { ImageKind } from "../../rules/vm-images";
import { lastPart } from "../../rules/resource-link";
import { waitForOperation } from "./operation";
import { editItem, leavesOpen, toRecord } from "./project-item";
import { withRetry } from "./retry";
import { Throttle } from "./throttle";

export type * from "./compute-interfaces";

const instanceFields =
  "name,zone,status,labels,metadata/fingerprint,networkInterfaces/networkIP,lastStartTimestamp,lastStopTimestamp,creationTimestamp";
/** Maximum wait for an image or a snapshot, which is written before its operation is done. */
const imageTimeout = 30 * 60_000;
/** Maximum wait for a machine's shutdown. */
const stopTimeout = 5 * 60_000;
/**
 * Milliseconds between two reads of one VM's guest attributes. Google allows 10 queries a minute for each VM, and may drop what the VM
 * writes beyond that. Eight seconds leave room for the VM's own reports and for others who watch the fleet.
 */
const guestAttributesInterval = 8_000;
/** Seconds until a quota, which is counted per minute, is full again. */
const quotaRefill = 65;

/** The Compute API of Google, or of a server that offers the same at `endpoint`. */
export function connect(options: ComputeOptions): ComputeClient {
  return new RestCompute(options);
}

class RestCompute implements ComputeClient {
  readonly project: string;
  readonly guestAttributesInterval: number;
  private readonly api: compute_v1.Compute;
  private readonly throttle = new Throttle();
  /**
   * VMs' metadata by address and fingerprint. The metadata of a thousand VMs is more than a megabyte, and far more if VMs carry a startup
   * script of an older version. A caller that looks again and again rereads only metadata that changed.
   */
  private readonly metadata = new Map<string, Record<string, string>>();

  constructor(private readonly options: ComputeOptions) {
    this.project = options.project;
    this.guestAttributesInterval = options.guestAttributesInterval ?? guestAttributesInterval;
    this.api = computeApi(options);
  }

  async instances(filter?: string): Promise<Instance[]> {
    const seen = this.metadata.size > 0 ? await this.list(instanceFields, filter) : undefined;
    const raw = seen?.every((one) => this.metadataOf(one) !== undefined)
      ? seen
      : await this.list(`${instanceFields},metadata/items`, filter);
    for (const one of raw) {
      if (one.metadata?.items != null) {
        this.metadata.set(metadataKey(one), toRecord(one.metadata.items));
      }
    }
    return raw
      .map((one) => toInstance(one, this.metadataOf(one) ?? toRecord(one.metadata?.items)))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  private metadataOf(instance: compute_v1.Schema$Instance): Record<string, string> | undefined {
    return this.metadata.get(metadataKey(instance));
  }

  private list(fields: string, filter: string | undefined): Promise<compute_v1.Schema$Instance[]> {
    return listAggregated(
      (pageToken) =>
        this.call(() =>
          this.api.instances.aggregatedList({
            project: this.project,
            maxResults: 500,
            fields: `items/*(instances(${fields}),warning/code),nextPageToken`,
            ...(filter === undefined ? {} : { filter }),
            ...pageToken,
          }),
        ),
      ({ instances }: compute_v1.Schema$InstancesScopedList) => instances,
      unreachable,
    );
  }

  async guestAttributes(
    { name, zone }: Pick<Instance, "name" | "zone">,
    namespace: string,
  ): Promise<Record<string, string>> {
    try {
      const { queryValue } = await this.call(() =>
        this.api.instances.getGuestAttributes({
          project: this.project,
          zone,
          instance: name,
          queryPath: `${namespace}/`,
        }),
      );
      const entries = (queryValue?.items ?? []).filter((item) => item.namespace === namespace);
      return Object.fromEntries(entries.map(({ key, value }) => [key ?? "", value ?? ""]));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) {
        return {};
      }
      throw error;
    }
  }

  async serial({ name, zone }: Pick<Instance, "name" | "zone">): Promise<string> {
    const asked = { project: this.project, zone, instance: name, port: 1 };
    return (await this.call(() => this.api.instances.getSerialPortOutput(asked))).contents ?? "";
  }

  async attached({ name, zone }: Pick<Instance, "name" | "zone">) {
    const fields = "deletionProtection,disks(source,deviceName,boot)";
    const asked = { project: this.project, zone, instance: name, fields };
    const { deletionProtection, disks } = await this.call(() => this.api.instances.get(asked));
    return {
      deletionProtection: deletionProtection ?? false,
      disks: (disks ?? []).map(({ source, deviceName, boot }) => ({
        name: lastPart(source),
        device: deviceName ?? "",
        boot: boot ?? false,
      })),
    };
  }

  async stop({ name, zone }: Pick<Instance, "name" | "zone">): Promise<void> {
    const asked = { project: this.project, zone, instance: name };
    await this.finish(await this.call(() => this.api.instances.stop(asked)), stopTimeout);
  }

  async disks(filter: string): Promise<Disk[]> {
    const fields = "items/*(disks(name,zone,creationTimestamp),warning/code),nextPageToken";
    const all = await listAggregated(
      (page) =>
        this.call(() =>
          this.api.disks.aggregatedList({ project: this.project, maxResults: 500, fields, filter, ...page }),
        ),
      ({ disks }: compute_v1.Schema$DisksScopedList) => disks,
      unreachable,
    );
    return all.map(({ name, zone, creationTimestamp }) => ({
      name: name ?? "",
      zone: lastPart(zone),
      createdAt: creationTimestamp ?? "",
    }));
  }

  async snapshotsSince(filter: string, since: Date): Promise<TakenSnapshot[]> {
    const fields = "items(sourceDisk,creationTimestamp,status),nextPageToken";
    const asked = { project: this.project, maxResults: 500, orderBy: "creationTimestamp desc", fields, filter };
    const found: TakenSnapshot[] = [];
    let pageToken: string | null | undefined;
    do {
      const page = pageToken ? { pageToken } : {};
      const { items, nextPageToken } = await this.call(() => this.api.snapshots.list({ ...asked, ...page }));
      for (const { sourceDisk, creationTimestamp, status } of items ?? []) {
        // The newest come first.
        if (!(Date.parse(creationTimestamp ?? "") >= since.getTime())) return found;
        const [, zone = "", disk = ""] = /zones\/([^/]+)\/disks\/([^/]+)$/.exec(sourceDisk ?? "") ?? [];
        if (status !== "FAILED") found.push({ disk, zone, at: creationTimestamp ?? "" });
      }
      pageToken = nextPageToken;
    } while (pageToken);
    return found;
  }

  async snapshot({ name, zone }: { name: string; zone: string }, snapshot: NewSnapshot): Promise<void> {
    const requestBody = { ...snapshot, sourceDisk: `projects/${this.project}/zones/${zone}/disks/${name}` };
    const operation = await this.call(() => this.api.snapshots.insert({ project: this.project, requestBody }));
    await this.finish(operation, imageTimeout);
  }

  async projectMetadata(): Promise<Record<string, string>> {
    return toRecord((await this.readMetadata()).items);
  }

  editProjectItem(key: string, edit: (items: Record<string, string>) => string | undefined): Promise<void> {
    const { project } = this;
    return editItem(
      {
        read: () => this.readMetadata(),
        write: (requestBody, onLost) =>
          this.call(async () => {
            try {
              return await this.api.projects.setCommonInstanceMetadata({ project, requestBody });
            } catch (thrown) {
              if (leavesOpen(thrown)) onLost();
              throw thrown;
            }
          }),
        finish: (operation) => this.finish(operation),
        pause: (milliseconds) => this.pause(milliseconds),
      },
      key,
      edit,
    );
  }

  offers(vms: Wanted["vms"]): Promise<Offers> {
    const asked = { project: this.project, fields: "items/name,nextPageToken" };
    return gatherOffers(
      {
        zones: (page) => this.call(() => this.api.zones.list({ ...asked, ...page })),
        machineTypes: (zone, page) => this.call(() => this.api.machineTypes.list({ ...asked, zone, ...page })),
      },
      vms,
    );
  }

  async hasImage(kind: ImageKind, project: string, name: string): Promise<boolean> {
    const asked = { project, fields: "name" };
    try {
      await this.call(() =>
        kind === "image"
          ? this.api.images.get({ ...asked, image: name })
          : this.api.images.getFromFamily({ ...asked, family: name }),
      );
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) {
        return false;
      }
      throw error;
    }
  }

  async insertImage(requestBody: compute_v1.Schema$Image): Promise<void> {
    const operation = await this.call(() => this.api.images.insert({ project: this.project, requestBody }));
    await this.finish(operation, imageTimeout);
  }

  private async readMetadata(): Promise<compute_v1.Schema$Metadata> {
    const project = await this.call(() =>
      this.api.projects.get({ project: this.project, fields: "commonInstanceMetadata" }),
    );
    return project.commonInstanceMetadata ?? {};
  }

  /** Waits until an operation is done; throws its error. */
  private finish(operation: compute_v1.Schema$Operation, timeout?: number): Promise<void> {
    const { project } = this;
    const zone = operation.zone?.split("/").at(-1);
    const read = () => {
      const asked = { project, operation: operation.name ?? "" };
      return this.call(() =>
        zone === undefined ? this.api.globalOperations.get(asked) : this.api.zoneOperations.get({ ...asked, zone }),
      );
    };
    return waitForOperation(operation, read, (milliseconds) => this.pause(milliseconds), timeout);
  }

  private async pause(milliseconds: number): Promise<void> {
    const { signal } = this.options;
    await sleep(milliseconds, undefined, signal === undefined ? {} : { signal });
  }

  private async call<T>(request: () => Promise<{ data: T }>): Promise<T> {
    const { signal, attempts } = this.options;
    const patience = attempts === undefined ? { refill: quotaRefill } : { attempts };
    const { data } = await withRetry(() => this.throttle.run(request), { signal, ...patience });
    return data;
  }
}

function metadataKey({ zone, name, metadata }: compute_v1.Schema$Instance): string {
  return [zone, name, metadata?.fingerprint].join(" ");
}

function toInstance(raw: compute_v1.Schema$Instance, metadata: Record<string, string>): Instance {
  const address = raw.networkInterfaces?.[0]?.networkIP;
  const startedAt = raw.lastStartTimestamp ?? raw.creationTimestamp;
  return {
    name: raw.name ?? "",
    zone: lastPart(raw.zone),
    state: raw.status ?? "UNKNOWN",
    labels: raw.labels ?? {},
    metadata,
    ...(address == null ? {} : { address }),
    ...(startedAt == null ? {} : { startedAt }),
    ...(raw.lastStopTimestamp == null ? {} : { stoppedAt: raw.lastStopTimestamp }),
  };
}
