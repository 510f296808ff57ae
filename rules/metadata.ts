/** What the metadata server says about a VM. Only HTTP 404 means "not there"; any other incomplete answer means "away". */
import { contract } from "./contract";
import { parseInstanceMetadata, type ReadInstance } from "./instance-metadata";
import { isObject, parseJson } from "./text/json";

/** One answer; undefined if none came, or only part of it. */
export type Answer = { status: number; body: string } | undefined;

/** The answers to the three requests that a decision needs. */
export interface Answers {
  /** `project/attributes/?recursive=true&alt=json` */
  attributes: Answer;
  /** `instance/name` */
  name: Answer;
  /** `instance/attributes/nixos-fleet` */
  instance: Answer;
}

export type Metadata =
  /** The VM belongs to a fleet. `attributes` are the project attributes that belong to any fleet. */
  | { kind: "present"; vm: string; instance: ReadInstance; attributes: Record<string, string>; unknown: string[] }
  /** The server answers, and has no item for this VM. */
  | { kind: "absent"; vm: string }
  /** A server is expected, but it does not answer what is needed; `problem` says why in a few words. */
  | { kind: "away"; problem: string }
  /** There is no metadata server: the machine is not on Google and never had one. */
  | { kind: "none" };

const vmName = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;

/**
 * Interprets the answers.
 * @param expected whether there must be a metadata server: the machine is a Google VM, or a server has answered it before
 */
export function readMetadata(answers: Answers, expected: boolean): Metadata {
  const { attributes, name, instance } = answers;
  if (!expected && attributes === undefined && name === undefined && instance === undefined) return { kind: "none" };
  const fleets = attributesOf(attributes);
  if (typeof fleets === "string") return away(`project attributes: ${fleets}`);
  const vm = name?.status === 200 ? name.body.trim() : "";
  if (!vmName.test(vm)) return away(`instance/name: ${statusText(name)}`);
  if (instance?.status === 404) return { kind: "absent", vm };
  if (instance?.status !== 200) return away(`instance item: ${statusText(instance)}`);
  return metadataOf(vm, instance.body, fleets);
}

/** The VM's own item as written; undefined if it has none. `attributes` are the project attributes that belong to any fleet. */
export function metadataOf(vm: string, item: string | undefined, attributes: Record<string, string>): Metadata {
  if (item === undefined) return { kind: "absent", vm };
  const read = parseInstanceMetadata(item);
  if (!read.ok) return away(`this VM's metadata item is not readable: ${read.problem}`);
  return { kind: "present", vm, instance: read.value, attributes, unknown: [...read.unknown] };
}

/** The project attributes that belong to any fleet, or what is wrong with the answer. */
function attributesOf(answer: Answer): Record<string, string> | string {
  if (answer?.status !== 200) return statusText(answer);
  const all = parseJson(answer.body);
  if (!isObject(all)) return "not a JSON object";
  const start = contract.projectMetadata.prefix + contract.projectMetadata.separator;
  const fleets = Object.entries(all).filter(([key]) => key.startsWith(start));
  const wrong = fleets.find(([, value]) => typeof value !== "string");
  if (wrong !== undefined) return `${wrong[0]} must be a string`;
  return Object.fromEntries(fleets) as Record<string, string>;
}

function away(problem: string): Metadata {
  return { kind: "away", problem };
}

function statusText(answer: Answer): string {
  return answer === undefined ? "no answer" : answer.status === 200 ? "not usable" : `HTTP ${answer.status}`;
}
