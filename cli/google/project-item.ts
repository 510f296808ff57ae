/** Changes one item of the project's metadata by compare-and-swap, also if the answer to a change is lost. */
import type { compute_v1 } from "@googleapis/compute/build/v1";
import { own } from "../../rules/text/json";
import { FleetError } from "../errors";
import { ApiError, isOurs } from "./api-error";
import { OperationError } from "./operation";

/** Google's limit for one metadata value, in bytes. */
const valueLimit = 256 * 1024;
/** How often a change is tried while others are faster, or Compute's operation fails for a passing reason. */
const attempts = 8;

/** The requests that a change consists of. */
export interface MetadataRequests {
  read: () => Promise<compute_v1.Schema$Metadata>;
  /** Sends the new metadata, and again after an answer that may pass; `onLost` is called for each answer that leaves open what happened. */
  write: (metadata: compute_v1.Schema$Metadata, onLost: () => void) => Promise<compute_v1.Schema$Operation>;
  /** Waits until the operation is done. */
  finish: (operation: compute_v1.Schema$Operation) => Promise<void>;
  pause: (milliseconds: number) => Promise<void>;
}

/**
 * `edit` gets all items and returns the new value, or undefined to remove the item. It is called again for each attempt.
 * @throws FleetError whose `mayBeMade` is true if a change was sent and it is not known whether it was made
 */
export async function editItem(
  requests: MetadataRequests,
  key: string,
  edit: (items: Record<string, string>) => string | undefined,
): Promise<void> {
  /** The value of a request whose result is not known. */
  let lost: { value: string | undefined } | undefined;
  const isMade = (items: Record<string, string>) => lost !== undefined && own(items, key) === lost.value;
  for (let attempt = 1; ; attempt++) {
    try {
      const metadata = await requests.read();
      const items = metadata.items ?? [];
      const values = toRecord(items);
      // The request was carried out, and only its answer was lost. A repeated request then is refused.
      if (isMade(values)) return;
      const value = edit(values);
      if (value === own(values, key)) return;
      checkSize(key, value);
      const others = items.filter((item) => item.key !== key);
      const next = { ...metadata, items: value === undefined ? others : [...others, { key, value }] };
      const before = lost;
      const operation = await requests.write(next, () => (lost = { value }));
      lost = { value };
      try {
        await requests.finish(operation);
      } catch (error) {
        if (error instanceof OperationError) lost = before;
        throw error;
      }
      return;
    } catch (error) {
      const again =
        error instanceof ApiError && (error.status === 412 || (error instanceof OperationError && error.transient));
      if (again && attempt < attempts) {
        await requests.pause(100 * attempt * (0.5 + Math.random()));
        continue;
      }
      if (lost === undefined) throw error;
      // It may have been made, however slowly.
      if (await requests.read().then(({ items }) => isMade(toRecord(items)), no)) return;
      throw uncertain(error);
    }
  }
}

/** Whether nothing is known of a write that failed with this error: Google refuses some requests before it does anything. */
export function leavesOpen(thrown: unknown): boolean {
  // The tool's own errors say why it could not ask.
  if (isOurs(thrown)) return false;
  const { status, transient, overQuota } = ApiError.from(thrown);
  return status === undefined || (transient && !overQuota);
}

export function toRecord(
  items: { key?: string | null; value?: string | null }[] | null | undefined,
): Record<string, string> {
  return Object.fromEntries((items ?? []).map(({ key, value }) => [key ?? "", value ?? ""]));
}

function checkSize(key: string, value: string | undefined): void {
  const bytes = Buffer.byteLength(value ?? "");
  if (bytes > valueLimit)
    throw new FleetError("NF204", `${key} would have ${bytes} bytes; Compute takes at most ${valueLimit}`);
}

function uncertain(thrown: unknown): FleetError {
  const error = thrown instanceof FleetError ? thrown : ApiError.from(thrown);
  error.mayBeMade = true;
  return error;
}

function no(): boolean {
  return false;
}
