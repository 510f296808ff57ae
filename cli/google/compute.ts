import { setTimeout as sleep } from "node:timers/promises";
import { compute_v1 } from "@googleapis/compute/build/v1";
import { ApiError } from "./api-error";
import { computeApi, listAggregated, type ComputeOptions } from "./compute-api";
import { gatherOffers, type Offers, type Wanted } from "../../rules/google-catalog";
import { FleetError } from "../errors";
import { withRetry } from "./retry";
import { oneLine } from "../../rules/text/text";
import { Throttle } from "./throttle";

/** An instance as the operator's tool needs it. */
export interface Instance {
  name: string;
  zone: string;
  /** Compute's word: PROVISIONING, STAGING, RUNNING, STOPPING, SUSPENDING, SUSPENDED, REPAIRING or TERMINATED. */
  state: string;
  labels: Record<string, string>;
  metadata: Record<string, string>;
  /** The first interface's internal address. */
  address?: string;
  /** RFC 3339: when it was last started, or made. */
  startedAt?: string;
}

/** The part of the Compute API that the operator's tool uses. Every call may throw an `ApiError`. */
export interface Compute {
  readonly project: string;
  /** All instances of the project that the filter (Compute's syntax) leaves. */
  instances(filter?: string): Promise<Instance[]>;
  /** A VM's guest attributes of one namespace; none where it wrote none. */
  guestAttributes(instance: Pick<Instance, "name" | "zone">, namespace: string): Promise<Record<string, string>>;
  /** The project's metadata. */
  projectMetadata(): Promise<Record<string, string>>;
  /**
   * Changes one item of the project's metadata by compare-and-swap. `edit` gets the present value and returns the new one, undefined
   * for none; it is called again with the newer value when someone else was faster.
   */
  editProjectItem(key: string, edit: (value: string | undefined) => string | undefined): Promise<void>;
}

/** What VMs showed on their serial consoles. */
export interface Consoles {
  /** The newest megabyte of it. */
  serial(instance: Pick<Instance, "name" | "zone">): Promise<string>;
}

/** What the same API offers to a project. */
export interface Catalog {
  /** All zones, and the machine types of those that these VMs are to be in. */
  offers(vms: Wanted["vms"]): Promise<Offers>;
}

/** The same API's images. */
export interface Images {
  readonly project: string;
  /** Whether the project has an image of this name. */
  hasImage(name: string): Promise<boolean>;
  /** Makes an image, and waits until it can be used. */
  insertImage(image: compute_v1.Schema$Image): Promise<void>;
}

const instanceFields =
  "name,zone,status,labels,metadata/fingerprint,networkInterfaces/networkIP,lastStartTimestamp,creationTimestamp";
const operationTimeout = 120_000;
/** An image is unpacked and written before its operation is done. */
const imageTimeout = 30 * 60_000;
/** Google's limit for one metadata value, in bytes. */
const valueLimit = 256 * 1024;
/** Seconds after which a quota, which is so many requests a minute, has been filled again. */
const quotaRefill = 65;

/** The Compute API of Google, or of whatever serves the same at `endpoint`. */
export function connect(options: ComputeOptions): Compute & Images & Catalog & Consoles {
  return new RestCompute(options);
}

class RestCompute implements Compute, Images, Catalog, Consoles {
  readonly project: string;
  private readonly api: compute_v1.Compute;
  private readonly throttle = new Throttle();
  /**
   * VMs' metadata by address and fingerprint. A VM carries its startup script, so that the metadata of a thousand are a hundred megabytes: who looks
   * again and again reads them again only where they changed.
   */
  private readonly metadata = new Map<string, Record<string, string>>();

  constructor(private readonly options: ComputeOptions) {
    this.project = options.project;
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
      ({ instances }) => instances,
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

  async projectMetadata(): Promise<Record<string, string>> {
    return toRecord((await this.readMetadata()).items);
  }

  async editProjectItem(key: string, edit: (value: string | undefined) => string | undefined): Promise<void> {
    const conflicts = 8;
    for (let attempt = 1; ; attempt++) {
      const metadata = await this.readMetadata();
      const items = metadata.items ?? [];
      const before = items.find((item) => item.key === key)?.value ?? undefined;
      const after = edit(before);
      if (after === before) {
        return;
      }
      if (after !== undefined && Buffer.byteLength(after) > valueLimit) {
        throw new FleetError(
          `${key} would have ${Buffer.byteLength(after)} bytes; Compute takes at most ${valueLimit}`,
        );
      }
      const others = items.filter((item) => item.key !== key);
      const requestBody = { ...metadata, items: after === undefined ? others : [...others, { key, value: after }] };
      try {
        await this.finish(
          await this.call(() => this.api.projects.setCommonInstanceMetadata({ project: this.project, requestBody })),
        );
        return;
      } catch (error) {
        if (!(error instanceof ApiError && error.status === 412) || attempt >= conflicts) {
          throw error;
        }
        await this.pause(100 * attempt * (0.5 + Math.random()));
      }
    }
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

  async hasImage(image: string): Promise<boolean> {
    try {
      await this.call(() => this.api.images.get({ project: this.project, image, fields: "name" }));
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

  /** Waits until a global operation is done; throws what it failed with. */
  private async finish(operation: compute_v1.Schema$Operation, timeout = operationTimeout): Promise<void> {
    const end = Date.now() + timeout;
    let current = operation;
    for (let wait = 100; current.status !== "DONE"; wait = Math.min(2_000, wait * 1.5)) {
      if (Date.now() > end) {
        throw new FleetError(
          `the Compute API's operation ${current.name ?? "?"} did not end within ${timeout / 1_000} s`,
        );
      }
      await this.pause(wait);
      current = await this.call(() =>
        this.api.globalOperations.get({ project: this.project, operation: operation.name ?? "" }),
      );
    }
    const failure = current.error?.errors?.[0];
    if (failure !== undefined) {
      const status = current.httpErrorStatusCode ?? (failure.code === "CONDITION_NOT_MET" ? 412 : 400);
      throw new ApiError(
        oneLine(failure.message ?? failure.code ?? "operation failed"),
        status,
        failure.code ?? undefined,
        false,
      );
    }
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
    zone: raw.zone?.split("/").at(-1) ?? "",
    state: raw.status ?? "UNKNOWN",
    labels: raw.labels ?? {},
    metadata,
    ...(address == null ? {} : { address }),
    ...(startedAt == null ? {} : { startedAt }),
  };
}

function toRecord(items: { key?: string | null; value?: string | null }[] | null | undefined): Record<string, string> {
  return Object.fromEntries((items ?? []).map(({ key, value }) => [key ?? "", value ?? ""]));
}
