/** Which inputs changed, in the engine's format: by path, with the kind of change. */
import { isObject, UNKNOWN, type Props, type Value } from "./value";

export interface Change {
  /** As Pulumi writes paths: `bootDisk.initializeParams.size`, `tags[0]`, `metadata["startup-script"]`. */
  path: string;
  /** The same without indices, for rules: `networkInterfaces.subnetwork`. */
  rule: string[];
  kind: "add" | "delete" | "update";
}

/** Whether two known, different leaf values have the same meaning. */
type Same = (a: Value, b: Value) => boolean;

/** The changes from `olds` to `news`, down to the leaves. Absent and null count as equal; an unknown differs from every value. */
export function changes(olds: Props, news: Props, same: Same = () => false): Change[] {
  return inObject(olds, news, "", [], same);
}

function inObject(olds: Props, news: Props, path: string, rule: string[], same: Same): Change[] {
  const keys = new Set([...Object.keys(olds), ...Object.keys(news)].filter((key) => !key.startsWith("__")));
  return [...keys].flatMap((key) => between(olds[key], news[key], path + segment(key, path), [...rule, key], same));
}

function between(old: Value | undefined, now: Value | undefined, path: string, rule: string[], same: Same): Change[] {
  const before = old ?? null;
  const after = now ?? null;
  if (before === null && after === null) return [];
  if (before === null) return [{ path, rule, kind: "add" }];
  if (after === null) return [{ path, rule, kind: "delete" }];
  if (isObject(before) && isObject(after)) return inObject(before, after, path, rule, same);
  if (Array.isArray(before) && Array.isArray(after)) {
    const length = Math.max(before.length, after.length);
    return Array.from({ length }, (_, i) => between(before[i], after[i], `${path}[${i}]`, rule, same)).flat();
  }
  if (before !== UNKNOWN && (before === after || same(before, after))) return [];
  return [{ path, rule, kind: "update" }];
}

function segment(key: string, path: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) return `[${JSON.stringify(key)}]`;
  return path === "" ? key : `.${key}`;
}
