/** What a plugin is, apart from gRPC. */
import type { Failure } from "./check";
import type { Props } from "./value";

export interface CheckRequest {
  urn: string;
  /** The resource's name in the program. */
  name: string;
  inputs: Props;
  /** The inputs of the last run; empty where the resource is new. */
  olds: Props;
  /** Makes generated names the same in preview and update; empty when the engine sends none. */
  seed: Uint8Array;
  /** The name that the stack's `pulumi:autonaming` setting asks for. */
  proposedName?: string;
}

export interface Checked {
  inputs: Props;
  failures: Failure[];
  /** Top-level inputs that are secret whatever the program says. */
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

/** What all calls with effects know of their run. */
export interface Run {
  urn: string;
  /** Aborted when the engine cancels, or when the resource's `customTimeouts` are over. */
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
  /** Empty at an import. */
  inputs: Props;
}

/** One resource type. Any error's message is what the person sees. */
export interface Resource {
  check: (request: CheckRequest) => Checked;
  diff: (request: DiffRequest) => Difference;
  /** In a preview the id may be empty and outputs unknown. */
  create: (request: CreateRequest) => Promise<{ id: string; state: Props }>;
  /** `undefined` where the resource is gone. */
  read: (request: ReadRequest) => Promise<{ id: string; state: Props; inputs: Props } | undefined>;
  update: (request: UpdateRequest) => Promise<Props>;
  delete: (request: Run & { id: string; state: Props }) => Promise<void>;
}

/** A plugin. */
export interface Provider {
  name: string;
  /** The npm package's version that it stands in for. */
  version: string;
  checkConfig: (config: Props) => Failure[];
  configure: (config: Props) => void;
  /** Throws where the plugin does not know the type. */
  resource: (type: string) => Resource;
  /** Throws where the plugin does not know the function. */
  invoke: (token: string, args: Props, signal: AbortSignal) => Promise<{ result: Props } | { failures: Failure[] }>;
}
