import { notFound, notReady } from "./errors";
import { fingerprintOf } from "./json";
import { baseName, linkTo, scopeOf } from "./paths";
import type { CloudState, Instance, Resource, Stored } from "./types";

/** A cloud's state and its change listeners. All changes are made here and in `Operations`. */
export class Store {
  /** By name. The metadata server looks up an instance for every request. */
  private readonly instancePaths = new Map<string, string>();
  private readonly listeners = new Set<() => void>();
  private saving: Promise<void> | undefined;
  private queued: Promise<void> | undefined;

  constructor(
    readonly state: CloudState,
    /** Makes the state durable. */
    private readonly save: (state: CloudState) => Promise<void>,
    readonly now: () => Date = () => new Date(),
  ) {
    for (const [path, { resource }] of Object.entries(state.resources)) {
      this.index(path, resource);
    }
  }

  get project(): string {
    return this.state.project.name;
  }

  /** RFC 3339. */
  timestamp(): string {
    return this.now().toISOString();
  }

  newId(): string {
    this.state.lastId += 1;
    return String(4_000_000_000_000_000 + this.state.lastId);
  }

  link(path: string): string {
    return linkTo(this.project, path);
  }

  /** The path as error messages show it. */
  shown(path: string): string {
    return `projects/${this.project}/${path}`;
  }

  /** The fields that every resource has. */
  common(kind: string, path: string, name: string): Resource {
    const [creationTimestamp, id] = [this.timestamp(), this.newId()];
    return { kind, id, name, creationTimestamp, selfLink: this.link(path) };
  }

  /** A visible resource. @throws ApiError 404 */
  get(path: string): Resource {
    const stored = this.state.resources[path];
    if (stored === undefined || stored.pending === "insert") {
      throw notFound(this.shown(path));
    }
    return stored.resource;
  }

  /** A resource that no operation is working on. @throws ApiError 404 or 400 */
  getReady(path: string): Resource {
    const resource = this.get(path);
    if (this.state.resources[path]?.pending !== undefined) {
      throw notReady(this.shown(path));
    }
    return resource;
  }

  has(path: string): boolean {
    return path in this.state.resources;
  }

  /** All visible resources of a collection, in any scope or in one. */
  list(collection: string, scope?: string): { scope: string; path: string; resource: Resource }[] {
    return Object.entries(this.state.resources)
      .filter(([, { pending }]) => pending !== "insert")
      .filter(([path]) => path.split("/").at(-2) === collection)
      .map(([path, { resource }]) => ({ scope: scopeOf(path), path, resource }))
      .filter((entry) => scope === undefined || entry.scope === scope);
  }

  /** All resources of a collection, including those that are being made. */
  all(collection: string): Resource[] {
    return Object.entries(this.state.resources)
      .filter(([path]) => path.split("/").at(-2) === collection)
      .map(([, { resource }]) => resource);
  }

  instances(): Instance[] {
    return [...this.instancePaths.keys()].flatMap((name) => this.instance(name) ?? []);
  }

  /** By name, which is unique in a local cloud. */
  instance(name: string): Instance | undefined {
    return this.state.resources[this.instancePaths.get(name) ?? ""]?.resource as Instance | undefined;
  }

  put(path: string, resource: Resource, pending?: Stored["pending"]): void {
    this.state.resources[path] = pending === undefined ? { resource } : { resource, pending };
    this.index(path, resource);
    this.changed();
  }

  /** Replaces some of a resource's fields and updates its `fingerprint`, if it has one. */
  update(path: string, fields: object): void {
    const stored = this.state.resources[path];
    if (stored !== undefined) {
      const resource = { ...stored.resource, ...fields };
      stored.resource = "fingerprint" in resource ? withFingerprint(resource) : resource;
      this.changed();
    }
  }

  remove(path: string): void {
    // oxlint-disable-next-line typescript/no-dynamic-delete -- a record by path, as it is written to the file
    delete this.state.resources[path];
    if (path.includes("/instances/")) {
      this.instancePaths.delete(baseName(path));
    }
    this.changed();
  }

  private index(path: string, { kind, name }: Resource): void {
    if (kind === "compute#instance") {
      this.instancePaths.set(name, path);
    }
  }

  /** Calls `listener` after every change; returns a function that ends this. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Call this after any change of the state. */
  changed(): void {
    for (const listener of [...this.listeners]) {
      listener();
    }
  }

  /** Resolves when all changes made so far are durable. Calls during a save share the next one. */
  saved(): Promise<void> {
    if (this.saving === undefined) {
      this.saving = this.save(this.state).finally(() => (this.saving = undefined));
      return this.saving;
    }
    this.queued ??= this.saving
      .catch(() => undefined)
      .then(() => {
        this.queued = undefined;
        return this.saved();
      });
    return this.queued;
  }
}

/** A resource whose fingerprint matches its content. */
export function withFingerprint(resource: Resource): Resource {
  return { ...resource, fingerprint: fingerprintOf({ ...resource, fingerprint: undefined }) };
}
