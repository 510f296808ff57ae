import { dirname, join } from "node:path";
import { DiskContents } from "../machines/data-disk";
import type { Machines } from "../machines/driver";
import type { Gateways } from "./compute/collection";
import { Operations } from "./compute/operations";
import { Power } from "./compute/power";
import type { Store } from "./store";

/** The state that requests are answered from. */
export interface Cloud {
  store: Store;
  operations: Operations;
  power: Power;
  machines: Machines;
  network: Gateways;
  /** The content of data disks and snapshots. */
  contents: DiskContents;
  /** The directory for the content of Cloud Storage objects; made when the first object arrives. */
  objects: string;
}

/**
 * @param objects the directory for the objects of Cloud Storage; the content of data disks goes into `disks` beside it
 * @param delay milliseconds that the shortest operation takes
 */
export function openCloud(store: Store, machines: Machines, network: Gateways, objects: string, delay = 300): Cloud {
  const operations = new Operations(store, delay);
  const contents = new DiskContents(join(dirname(objects), "disks"));
  const power = new Power(store, operations, machines, contents);
  return { store, operations, machines, network, contents, objects, power };
}

/** A parsed request. */
export interface Call {
  cloud: Cloud;
  /** The variable parts of the path. */
  params: Record<string, string>;
  query: URLSearchParams;
  /** The JSON body; empty if there was none. */
  body: Record<string, unknown>;
}

/** Answers a request with a value that becomes JSON. @throws ApiError */
export type Handler = (call: Call) => unknown;
