/** The cloud's state on disk: one JSON file, replaced as a whole, so that a killed daemon leaves the last complete one. */
import { readFile, rename, writeFile } from "node:fs/promises";
import { isObject, parseJson } from "../rules/text/json";
import { transition } from "./api/compute/power";
import { end } from "./api/compute/operations";
import { emptyState, type CloudState, type Instance, type Stored } from "./api/types";

/** The state in a file, or that of an empty cloud if there is no file. @throws if the file is not ours to read */
export async function loadState(file: string, project: string, now: string): Promise<CloudState> {
  let text;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return emptyState(project, now);
    }
    throw error;
  }
  const state = parseJson(text);
  if (!isObject(state) || state["version"] !== 1) {
    throw new Error(`${file}: no state of version 1, which is what this daemon reads`);
  }
  return state as unknown as CloudState;
}

/** Writes JSON that only the owner can read. */
export async function replaceFile(file: string, content: unknown): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(content), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** The state of a cloud after its daemon ended in any way, and the remaining work. */
interface Recovered {
  state: CloudState;
  /** Paths of the instances whose machines should run. */
  boot: string[];
  /** Paths of the instances that were being deleted. */
  remove: string[];
}

/**
 * Finishes what was under way: what was being made exists, what was being deleted is deleted, what was being stopped is stopped. No machine
 * runs any more. Machines of instances that ran, or were about to run, must be booted again.
 */
export function recover(state: CloudState, now: string): Recovered {
  const stored = Object.entries(state.resources).filter(([, one]) => isInstance(one) || one.pending !== "delete");
  const resources = stored.map(([path, one]): [string, Stored] => {
    if (!isInstance(one)) {
      return [path, { resource: one.resource }];
    }
    return [path, { ...one, resource: settle(one.resource as Instance, now) }];
  });
  const operations = Object.entries(state.operations).map(
    ([path, operation]) => [path, operation.status === "DONE" ? operation : end(operation, now)] as const,
  );
  const instances = resources.filter(([, one]) => isInstance(one));
  return {
    state: { ...state, resources: Object.fromEntries(resources), operations: Object.fromEntries(operations) },
    boot: instances
      .filter(([, one]) => one.pending === undefined && (one.resource as Instance).status === "STAGING")
      .map(([path]) => path),
    remove: instances.filter(([, one]) => one.pending === "delete").map(([path]) => path),
  };
}

function isInstance({ resource }: Stored): boolean {
  return resource.kind === "compute#instance";
}

function settle(instance: Instance, now: string): Instance {
  switch (instance.status) {
    case "PROVISIONING":
    case "RUNNING":
      return { ...instance, status: "STAGING" };
    case "STOPPING":
      return transition(instance, "stopped", now);
    default:
      return instance;
  }
}
