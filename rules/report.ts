/** Reports: how an update ended, in the form that everything outside the VM reads. One JSON object, a guest attribute. */
import { contract, type Outcome, type Stage } from "./contract";
import { isBoolean, isNumber, isString, objectOf, oneOf, own, parseShape, shapeProblem } from "./text/json";
import type { Check, JsonObject, Parsed, Shape } from "./text/json";
import { logText } from "./text/text";

/** What a VM waits for before it continues with an update. */
export type WaitingFor = "window" | "users" | "reboot" | "space" | "network" | "metadata" | "turn";

export interface Waiting {
  for: WaitingFor;
  /** RFC 3339, UTC: when it stops waiting, if known. */
  until?: string;
}

/** The current phase of an update. */
export interface Progress {
  stage: Stage;
  /** RFC 3339, UTC. */
  since: string;
}

/** A VM that keeps failing in the same way, so that it retries by itself only once a day. */
export interface Failing {
  tries: number;
  /** RFC 3339, UTC: its first failure, and its next try unless a boot, another revision or a person causes an earlier one. */
  since: string;
  nextTry: string;
}

export interface Report {
  /** The full revision that is deployed: what the VM runs now, or after its next boot if `pending` names it. */
  revision: string;
  /** The approval (full revision) that the agent last acted on; a gate waits for this field. */
  approved?: string;
  /** SHA-256 (hex) of `flake.lock` at `revision`. */
  lock: string;
  lockMatches?: boolean;
  /** Store path of the running system or home. */
  toplevel: string;
  outcome: Outcome;
  /** The stage of a failure. */
  stage?: Stage;
  error?: string;
  /** Whether a failure is transient, or a deferral lasts a moment, so that the VM retries; only for these. */
  transient?: boolean;
  /** Whether updates are activated live or by the next boot, if the VM says so. */
  activation?: "live" | "boot";
  /** What is deployed and runs after the next boot. */
  pending?: { revision: string; toplevel: string };
  waiting?: Waiting;
  /** Only for a failure. */
  failing?: Failing;
  /** The update that is under way; the rest of the report is about the previous update. */
  progress?: Progress;
  rolledBack: boolean;
  rebootRequired: boolean;
  /** RFC 3339, UTC. */
  at: string;
  bootedAt: string;
  /** The agent's version. */
  agent: string;
}

/**
 * How the text of a report begins if a person holds the machine on the machine itself. Such a hold is not in the control item, so gates tell by
 * these words that it is not a hold of the fleet's which has ended since.
 */
export const ownHoldText = "held locally";

/** Whether a report is about a hold that is in the control item. The agents of version 0.1.0 do not say whose hold it is. */
export function saysFleetHold({ outcome, error = "", agent }: Report): boolean {
  return outcome === "held" && !agent.startsWith("0.1.") && !error.startsWith(ownHoldText);
}

/** Whether a VM runs a revision now. */
export function runsRevision(
  report: Pick<Report, "revision" | "pending"> | null,
  revision: string | undefined,
): boolean {
  return report !== null && report.revision === revision && report.pending?.revision !== revision;
}

/** The checks of the types that `contract.json` names. */
const checks: Readonly<Record<string, Check>> = {
  string: isString,
  boolean: isBoolean,
  outcome: oneOf(contract.outcome),
  stage: oneOf(contract.stage),
  activation: oneOf(contract.activation),
  pending: objectOf({ revision: isString, toplevel: isString }),
  waiting: objectOf({ for: oneOf(contract.waitingFor), "until?": isString }),
  progress: objectOf({ stage: oneOf(contract.stage), since: isString }),
  failing: objectOf({ tries: isNumber, since: isString, nextTry: isString }),
};

/** The shape of which `contract.json` writes each field as `field: type`; a trailing `?` means optional. */
function shapeOf(fields: Readonly<Record<string, string>>): Shape {
  const named = Object.entries(fields).map(([name, type]) => {
    const check = own(checks, type.replace(/\?$/, ""));
    if (check === undefined) throw new Error(`contract.json: unknown type ${type}`);
    return [name + (type.endsWith("?") ? "?" : ""), check] as const;
  });
  return Object.fromEntries(named);
}

const firstShape = shapeOf(contract.report.fields);
/** Fields that the contract's second version added; they are sent only to programs that know them. */
const secondShape = shapeOf(contract.report.fieldsOfVersion2);

const shape: Shape = { ...firstShape, ...secondShape };

/** Reads a report as a VM wrote it; a VM may write anything. Of unknown fields only the names are kept. */
export function parseReport(text: string): Parsed<Report> {
  const read = parseShape(text, shape);
  if (!read.ok) return read;
  return { ok: true, value: known(read.value, shape) as unknown as Report, unknown: read.unknown.slice(0, 20) };
}

/** The fields of an object that a shape names. */
function known(item: JsonObject, shape: Shape): JsonObject {
  const names = Object.keys(shape).map((name) => name.replace(/\?$/, ""));
  return Object.fromEntries(
    names.flatMap((name) => {
      const entry = own(item, name);
      return entry === undefined || entry === null ? [] : [[name, entry] as const];
    }),
  );
}

/**
 * The part of a state that is published: only the contract's fields, limited in length and printable. Undefined if the value is not a
 * state: a home's user can write anything as its state. `second` says whether the readers know the second version's fields.
 */
export function reportOf(state: unknown, { second }: { second: boolean }): Report | undefined {
  if (typeof state !== "object" || state === null || Array.isArray(state)) return undefined;
  const item = state as JsonObject;
  if (shapeProblem(item, firstShape) !== undefined) return undefined;
  const fields = known(item, firstShape);
  const added = second ? Object.entries(secondShape).filter(([name, check]) => passes(item, name, check)) : [];
  const report = { ...fields, ...known(item, Object.fromEntries(added)) };
  return Object.fromEntries(
    Object.entries(report).map(([name, value]) => [name, clean(name, value)]),
  ) as unknown as Report;
}

/** Whether an optional field is present and valid. An invalid one is left out: the rest of the report still counts. */
function passes(item: JsonObject, written: string, check: Check): boolean {
  const value = own(item, written.replace(/\?$/, ""));
  return value !== undefined && value !== null && check(value) === undefined;
}

function clean(name: string, value: unknown): unknown {
  if (typeof value === "string") {
    return name === "error" ? logText(value, contract.report.errorBytes) : logText(value, 300).replaceAll("\n", " ");
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([inner, text]) => [inner, clean(inner, text)]));
}

/** Whether a report says nothing new since the last published one, so that it need not be published again. */
export function isOldNews(report: Report, published: unknown): boolean {
  const { at: _at, ...rest } = report;
  if (typeof published !== "object" || published === null) return false;
  const { at: _last, ...before } = published as JsonObject;
  return report.outcome === "unchanged" && same(rest, before);
}

/** Whether two JSON values are the same, whatever the order of their fields. */
export function same(one: unknown, other: unknown): boolean {
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return one === other;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && same((one as JsonObject)[name], (other as JsonObject)[name]))
  );
}
