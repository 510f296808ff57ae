import type { Store } from "../api/store";
import type { Instance, Metadata } from "../api/types";
import type { Directory } from "./tree";

/** Maximum bytes of one value. */
const VALUE_BYTES = 256 * 1024;
const PART = /^[A-Za-z0-9_-]{1,127}$/;
/**
 * Google documents at most 3 queries a second and 10 a minute for each VM, and removes "arbitrarily" what is written beyond that
 * (docs.cloud.google.com/compute/docs/metadata/manage-guest-attributes). Here the writes count, and the minute has 10 seconds: updates
 * take seconds here that take minutes on Google.
 */
const LIMITS = [
  { writes: 3, milliseconds: 1_000 },
  { writes: 10, milliseconds: 10_000 },
] as const;
const LONGEST = 10_000;

/** Whether an instance may have guest attributes: its own metadata decides, then the project's. */
export function guestAttributesEnabled(instance: Metadata, project: Metadata): boolean {
  const [own, common] = [instance, project].map(
    ({ items }) => items?.find(({ key }) => key === "enable-guest-attributes")?.value,
  );
  return /^(true|1|y|yes)$/i.test(own ?? common ?? "");
}

/** An instance's guest attributes as a directory of namespaces. */
export function guestTree(store: Store, { name }: Instance): Directory {
  const entries: Record<string, Directory> = {};
  for (const [path, value] of Object.entries(store.state.guestAttributes[name] ?? {})) {
    const [namespace = "", key = ""] = path.split("/");
    entries[namespace] ??= { kind: "directory", entries: {}, verbatim: true };
    entries[namespace].entries[key] = { kind: "value", json: value };
  }
  return { kind: "directory", entries, verbatim: true };
}

/** An empty answer whose status says how a write went. */
interface Written {
  status: number;
  message: string;
}

/** Writes one attribute (`namespace`, `key`), or deletes it if there is no value. */
export function writeGuestAttribute(
  store: Store,
  { name }: Instance,
  path: readonly string[],
  value: string | undefined,
): Written {
  const [namespace = "", key = ""] = path;
  if (path.length !== 2 || !PART.test(namespace) || !PART.test(key)) {
    return {
      status: 400,
      message: "A guest attribute is named NAMESPACE/KEY, each of [A-Za-z0-9_-], below 128 bytes.",
    };
  }
  const before = store.state.guestAttributes[name] ?? {};
  const others = Object.entries(before).filter(([known]) => known !== `${namespace}/${key}`);
  if (value === undefined) {
    if (others.length === Object.keys(before).length) {
      return { status: 404, message: "" };
    }
  } else if (Buffer.byteLength(value) > VALUE_BYTES) {
    return { status: 413, message: `A guest attribute has at most ${VALUE_BYTES} bytes.` };
  }
  const after = value === undefined ? others : [...others, [`${namespace}/${key}`, value] as const];
  store.state.guestAttributes = { ...store.state.guestAttributes, [name]: Object.fromEntries(after) };
  store.changed();
  return { status: 200, message: "" };
}

/** Counts each VM's writes. Compute answers one beyond the limit like any other, and drops it. */
export class WriteLimit {
  private readonly writes = new Map<string, number[]>();

  /** Whether a VM's write now (milliseconds) is kept. If it is, it is counted. */
  take(name: string, now: number): boolean {
    const recent = (this.writes.get(name) ?? []).filter((time) => time > now - LONGEST);
    const kept = LIMITS.every(
      ({ writes, milliseconds }) => recent.filter((time) => time > now - milliseconds).length < writes,
    );
    this.writes.set(name, kept ? [...recent, now] : recent);
    return kept;
  }
}
