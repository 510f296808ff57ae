/** A few calls of the Compute REST API over a state that tests set, with faults that they plant. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

interface FakeInstance {
  name: string;
  zone?: string;
  status?: string;
  labels?: Record<string, string>;
  metadata?: Record<string, string>;
  /** namespace/key → value */
  guest?: Record<string, string>;
  disks?: { source: string; deviceName: string; boot: boolean }[];
  deletionProtection?: boolean;
}

export interface Fault {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

export class FakeCompute {
  instances: FakeInstance[] = [];
  metadata: Record<string, string> = {};
  /** What was asked for, `METHOD path?query`, in order. */
  readonly requests: string[] = [];
  /** What was written to the log. */
  readonly logged: NonNullable<Logged["entries"]> = [];
  readonly authorizations = new Set<string | undefined>();
  /** The projects that the requests asked to be billed. */
  readonly billed = new Set<string | undefined>();
  /** The snapshots that were taken. */
  readonly snapshots: Record<string, unknown>[] = [];
  /** What every VM's serial console showed. */
  console = "";
  pageSize = 500;
  /** Permissions that the caller lacks. */
  denied: string[] = [];
  project = "p";
  /** Returns what to answer in place of the truth. */
  fault: (request: string) => Fault | undefined = () => undefined;
  /** Runs just before a write is taken, as another writer would. */
  beforeWrite: () => void = () => undefined;
  /** Returns what to answer after a write was carried out, as if its own answer was lost. */
  lost: () => Fault | undefined = () => undefined;
  private fingerprint = 1;
  private readonly operations = new Map<string, number>();
  private readonly server = createServer((request, response) => {
    void this.answer(request).then(({ status, body, headers }) => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(JSON.stringify(body ?? {}));
    });
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/compute/v1/`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** As another writer does. */
  setMetadata(key: string, value: string): void {
    this.metadata = { ...this.metadata, [key]: value };
    this.fingerprint += 1;
  }

  count(part: string): number {
    return this.requests.filter((request) => request.includes(part)).length;
  }

  private async answer(request: IncomingMessage): Promise<Fault> {
    const asked = `${request.method ?? ""} ${decodeURIComponent(request.url ?? "")}`;
    this.requests.push(asked);
    this.authorizations.add(request.headers.authorization);
    this.billed.add(request.headers["x-goog-user-project"]?.toString());
    const url = new URL(request.url ?? "", "http://fake");
    const path = url.pathname.replace(`/compute/v1/projects/${this.project}`, "");
    const planted = this.fault(asked);
    if (planted !== undefined) {
      return planted;
    }
    if (path === "") {
      return { status: 200, body: { commonInstanceMetadata: this.wireMetadata() } };
    }
    if (/^\/zones(\/[^/]+\/machineTypes)?$/.test(path)) {
      const names = path === "/zones" ? ["europe-west1-b", "europe-west1-c"] : ["e2-standard-4", "e2-standard-8"];
      return { status: 200, body: { items: names.map((name) => ({ name })) } };
    }
    if (path === "/aggregated/instances") {
      return { status: 200, body: this.list(url.searchParams) };
    }
    if (path === "/setCommonInstanceMetadata") {
      return this.write(JSON.parse(await text(request)) as Written);
    }
    if (url.pathname === `/cloudresourcemanager/v1/projects/${this.project}:testIamPermissions`) {
      const { permissions = [] } = JSON.parse(await text(request)) as { permissions?: string[] };
      return { status: 200, body: { permissions: permissions.filter((one) => !this.denied.includes(one)) } };
    }
    if (url.pathname.startsWith("/logging/v2/entries:")) {
      return this.logging(url.pathname, JSON.parse(await text(request)) as Logged);
    }
    if (path === "/global/snapshots") {
      this.snapshots.push(JSON.parse(await text(request)) as Record<string, unknown>);
      return { status: 200, body: { name: "operation-0", status: "DONE" } };
    }
    const one = /^\/zones\/[^/]+\/instances\/([^/]+)(\/stop)?$/.exec(path);
    if (one !== null) return this.instance(one[1] ?? "", one[2] !== undefined);
    const operation = /^\/global\/operations\/(.*)$/.exec(path)?.[1];
    if (operation !== undefined) {
      const left = this.operations.get(operation) ?? 0;
      this.operations.set(operation, left - 1);
      return { status: 200, body: { name: operation, status: left > 0 ? "RUNNING" : "DONE" } };
    }
    if (/\/serialPort$/.test(path)) return { status: 200, body: { contents: this.console } };
    const vm = /^\/zones\/([^/]+)\/instances\/([^/]+)\/getGuestAttributes$/.exec(path);
    return vm === null ? notFound(path) : this.guest(vm[2] ?? "", url.searchParams.get("queryPath") ?? "");
  }

  private instance(name: string, stops: boolean): Fault {
    const found = this.instances.find((one) => one.name === name);
    if (found === undefined) return notFound(name);
    if (!stops) return { status: 200, body: { deletionProtection: found.deletionProtection, disks: found.disks } };
    found.status = "TERMINATED";
    return { status: 200, body: { name: "operation-0", status: "DONE" } };
  }

  private list(query: URLSearchParams): object {
    const filter = query.get("filter") ?? "";
    const wanted = [...filter.matchAll(/labels\.([\w-]+)=([\w-]+)/g)];
    const fitting = this.instances.filter((one) => wanted.every(([, key, value]) => one.labels?.[key ?? ""] === value));
    const from = Number(query.get("pageToken") ?? 0);
    const items: Record<string, { warning?: object; instances?: object[] }> = {
      "zones/elsewhere": { warning: { code: "NO_RESULTS_ON_PAGE" } },
    };
    for (const one of fitting.slice(from, from + this.pageSize)) {
      const scope = `zones/${one.zone ?? "z1"}`;
      const before = items[scope]?.instances ?? [];
      items[scope] = { instances: [...before, wireInstance(one)] };
    }
    const next = from + this.pageSize;
    return { items, ...(next < fitting.length ? { nextPageToken: String(next) } : {}) };
  }

  /** Cloud Logging's two calls, without filters. */
  private logging(path: string, { entries = [] }: Logged): Fault {
    if (path.endsWith(":list")) {
      return { status: 200, body: { entries: [...this.logged].reverse() } };
    }
    this.logged.push(...entries);
    return { status: 200 };
  }

  private guest(name: string, queryPath: string): Fault {
    const guest = this.instances.find((one) => one.name === name)?.guest ?? {};
    const items = Object.entries(guest)
      .filter(([path]) => path.startsWith(queryPath))
      .map(([path, value]) => ({ namespace: path.split("/")[0], key: path.split("/")[1], value }));
    return items.length === 0
      ? notFound("guest attributes")
      : { status: 200, body: { queryPath, queryValue: { items } } };
  }

  private write(written: Written): Fault {
    this.beforeWrite();
    if (written.fingerprint !== String(this.fingerprint)) {
      return error(412, "Supplied fingerprint does not match current metadata fingerprint.", "conditionNotMet");
    }
    this.metadata = Object.fromEntries((written.items ?? []).map(({ key, value }) => [key, value]));
    this.fingerprint += 1;
    const name = `operation-${this.fingerprint}`;
    this.operations.set(name, 1);
    return this.lost() ?? { status: 200, body: { name, status: "RUNNING" } };
  }

  private wireMetadata(): object {
    return { kind: "compute#metadata", fingerprint: String(this.fingerprint), items: wireItems(this.metadata) };
  }
}

interface Logged {
  entries?: { timestamp: string; labels: Record<string, string>; jsonPayload: Record<string, unknown> }[];
}

interface Written {
  fingerprint?: string;
  items?: { key: string; value: string }[];
}

/** An error as Google writes it. */
export function error(status: number, message: string, reason: string): Fault {
  return { status, body: { error: { code: status, message, errors: [{ message, domain: "global", reason }] } } };
}

function notFound(what: string): Fault {
  return error(404, `The resource '${what}' was not found`, "notFound");
}

function wireInstance({ name, zone, status, labels, metadata }: FakeInstance): object {
  return {
    name,
    zone: `https://www.googleapis.com/compute/v1/projects/p/zones/${zone ?? "z1"}`,
    status: status ?? "RUNNING",
    labels,
    metadata: { fingerprint: `of ${JSON.stringify(metadata)}`, items: wireItems(metadata ?? {}) },
    networkInterfaces: [{ networkIP: "10.0.0.2" }],
    creationTimestamp: "2026-01-01T00:00:00.000-08:00",
  };
}

function wireItems(record: Record<string, string>): object[] {
  return Object.entries(record).map(([key, value]) => ({ key, value }));
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}

/** The environment in which a command asks the fake API at this endpoint. */
export function environmentOf(endpoint: string): NodeJS.ProcessEnv {
  return {
    NIXOS_FLEET_COMPUTE_ENDPOINT: endpoint,
    NIXOS_FLEET_READ_INTERVAL: "1s",
    NIXOS_FLEET_LOGGING_ENDPOINT: new URL("/logging/", endpoint).href,
    GOOGLE_OAUTH_ACCESS_TOKEN: "t",
    GOOGLE_CLOUD_PROJECT: "p",
    USER: "eve",
  };
}
