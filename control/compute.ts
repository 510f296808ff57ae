import { setTimeout as sleep } from "node:timers/promises";
import { compute_v1 } from "@googleapis/compute/build/v1";
import { GoogleAuth, OAuth2Client } from "google-auth-library";
import { ApiError } from "./api-error";
import { FleetError, UsageError } from "./errors";
import { withRetry } from "./retry";
import { oneLine } from "./text";

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
   * for none; it is called again with the newer value when somebody else was faster.
   */
  editProjectItem(key: string, edit: (value: string | undefined) => string | undefined): Promise<void>;
}

export interface ComputeOptions {
  project: string;
  /** Base address up to and including `compute/v1/`; Google's own by default. */
  endpoint?: string | undefined;
  /** A bearer token; Application Default Credentials by default. */
  token?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Calls made at most where one fails for a passing reason. */
  attempts?: number;
}

const instanceFields =
  "name,zone,status,labels,metadata/items,networkInterfaces/networkIP,lastStartTimestamp,creationTimestamp";
const requestTimeout = 30_000;
const operationTimeout = 120_000;
/** Google's limit for one metadata value, in bytes. */
const valueLimit = 256 * 1024;

/** The Compute API of Google, or of whatever serves the same at `endpoint`. */
export function connect(options: ComputeOptions): Compute {
  return new RestCompute(options);
}

class RestCompute implements Compute {
  readonly project: string;
  private readonly api: compute_v1.Compute;

  constructor(private readonly options: ComputeOptions) {
    this.project = options.project;
    const rootUrl = options.endpoint === undefined ? undefined : rootOf(options.endpoint);
    this.api = new compute_v1.Compute({
      auth: credentials(options.token),
      // Retries are ours: they know about Google's reasons and end with the command.
      retry: false,
      timeout: requestTimeout,
      ...(rootUrl === undefined ? {} : { rootUrl, noProxy: [new URL(rootUrl).hostname] }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  }

  async instances(filter?: string): Promise<Instance[]> {
    const found: Instance[] = [];
    let pageToken: string | undefined;
    do {
      const page = await this.call(() =>
        this.api.instances.aggregatedList({
          project: this.project,
          maxResults: 500,
          fields: `items/*(instances(${instanceFields}),warning/code),nextPageToken`,
          ...(filter === undefined ? {} : { filter }),
          ...(pageToken === undefined ? {} : { pageToken }),
        }),
      );
      for (const [scope, { instances, warning }] of Object.entries(page.items ?? {})) {
        // A zone that does not answer must not look like one whose VMs are gone.
        if (warning?.code === "UNREACHABLE") {
          throw new ApiError(`${oneLine(scope, 100)} does not answer`, 503, undefined, true);
        }
        found.push(...(instances ?? []).map(toInstance));
      }
      pageToken = page.nextPageToken ?? undefined;
    } while (pageToken !== undefined && pageToken !== "");
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
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

  private async readMetadata(): Promise<compute_v1.Schema$Metadata> {
    const project = await this.call(() =>
      this.api.projects.get({ project: this.project, fields: "commonInstanceMetadata" }),
    );
    return project.commonInstanceMetadata ?? {};
  }

  /** Waits until a global operation is done; throws what it failed with. */
  private async finish(operation: compute_v1.Schema$Operation): Promise<void> {
    const end = Date.now() + operationTimeout;
    let current = operation;
    for (let wait = 100; current.status !== "DONE"; wait = Math.min(2_000, wait * 1.5)) {
      if (Date.now() > end) {
        throw new FleetError(
          `the Compute API's operation ${current.name ?? "?"} did not end within ${operationTimeout / 1_000} s`,
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
    const { data } = await withRetry(request, { signal, ...(attempts === undefined ? {} : { attempts }) });
    return data;
  }
}

/** The client wants the server's root, everybody else (gcloud, the gcp provider) the address with `compute/v1/`. */
function rootOf(endpoint: string): string {
  const match = /^(https?:\/\/[^/]+)\/compute\/(v1|beta)\/?$/.exec(endpoint);
  if (match?.[1] === undefined) {
    throw new UsageError(
      `NIXOS_FLEET_COMPUTE_ENDPOINT is ${oneLine(endpoint, 100)}; it must look like https://HOST/compute/v1/`,
    );
  }
  return `${match[1]}/`;
}

function credentials(token: string | undefined): OAuth2Client | GoogleAuth {
  if (token === undefined) {
    return new GoogleAuth({ scopes: ["https://www.googleapis.com/auth/compute"] });
  }
  const client = new OAuth2Client();
  client.setCredentials({ access_token: token });
  return client;
}

function toInstance(raw: compute_v1.Schema$Instance): Instance {
  const address = raw.networkInterfaces?.[0]?.networkIP;
  const startedAt = raw.lastStartTimestamp ?? raw.creationTimestamp;
  return {
    name: raw.name ?? "",
    zone: raw.zone?.split("/").at(-1) ?? "",
    state: raw.status ?? "UNKNOWN",
    labels: raw.labels ?? {},
    metadata: toRecord(raw.metadata?.items),
    ...(address == null ? {} : { address }),
    ...(startedAt == null ? {} : { startedAt }),
  };
}

function toRecord(items: { key?: string | null; value?: string | null }[] | null | undefined): Record<string, string> {
  return Object.fromEntries((items ?? []).map(({ key, value }) => [key ?? "", value ?? ""]));
}
