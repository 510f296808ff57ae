/** The interface of a plugin, independent of gRPC. */
import type { Failure } from "./check";
import type { Props } from "./value";

export interface CheckRequest {
  urn: string;
  /** The resource's name in the program. */
  name: string;
  inputs: Props;
  /** The inputs of the last run; empty if the resource is new. */
  olds: Props;
  /** Makes generated names the same in preview and update; empty if the engine sends none. */
  seed: Uint8Array;
  /** The name that the stack's `pulumi:autonaming` setting asks for. */
  proposedName?: string;
}

export interface Checked {
  inputs: Props;
  failures: Failure[];
  /** Top-level inputs that are always secret, whatever the program says. */
  secrets?: string[];
}

export interface DiffRequest {
  id: string;
  olds: Props;
  state: Props;
  inputs: Props;
  /** The resource's option of that name: paths such as `bootDisk.mode`. */
  ignoreChanges: string[];
}

export interface Difference {
  changes: { path: string; kind: "add" | "delete" | "update"; replace: boolean }[];
  deleteBeforeReplace: boolean;
}

/** The context of a run for all calls with effects. */
export interface Run {
  urn: string;
  /** Aborted when the engine cancels, or when the resource's `customTimeouts` have passed. */
  signal: AbortSignal;
}

export interface CreateRequest extends Run {
  name: string;
  inputs: Props;
  preview: boolean;
}

export interface UpdateRequest extends Run {
  id: string;
  olds: Props;
  state: Props;
  inputs: Props;
  ignoreChanges: string[];
  preview: boolean;
}

export interface ReadRequest extends Run {
  id: string;
  state: Props;
  /** Empty for an import. */
  inputs: Props;
}

/** One resource type. The user sees the message of any error. */
export interface Resource {
  check: (request: CheckRequest) => Checked;
  diff: (request: DiffRequest) => Difference;
  /** In a preview the id may be empty and outputs unknown. */
  create: (request: CreateRequest) => Promise<{ id: string; state: Props }>;
  /** `undefined` if the resource is gone. */
  read: (request: ReadRequest) => Promise<{ id: string; state: Props; inputs: Props } | undefined>;
  update: (request: UpdateRequest) => Promise<Props>;
  delete: (request: Run & { id: string; state: Props }) => Promise<void>;
}

/**
 * An update that failed, and the state that the engine stores all the same. The official provider stores the new outputs with a failed
 * update if its resource does not ask for the old ones, so the next update of the same inputs changes nothing.
 */
export class PartialFailure extends Error {
  constructor(
    error: unknown,
    readonly state: Props,
  ) {
    super(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** A plugin. */
export interface Provider {
  name: string;
  /** The npm package's version that it stands in for. */
  version: string;
  checkConfig: (config: Props) => Failure[];
  configure: (config: Props) => void;
  /** Throws if the plugin does not know the type. */
  resource: (type: string) => Resource;
  /** Throws if the plugin does not know the function. */
  invoke: (token: string, args: Props, signal: AbortSignal) => Promise<{ result: Props } | { failures: Failure[] }>;
}
