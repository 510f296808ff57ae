/** What the dashboard's page shows: the document of `fleet status --json`, with the fleet's past and the ages of its lock. Types only. */
import type { HistoryEntry } from "../history-entry";
import type { FleetStatus } from "../status/status";

/** An input of the approved lock. */
export interface LockedAge {
  input: string;
  /** As a flake reference. */
  source: string;
  revision: string | null;
  /** When its revision was made, RFC 3339; null if the lock does not say. */
  at: string | null;
}

export interface PageDocument {
  status: FleetStatus;
  /** Newest first. */
  history: HistoryEntry[];
  /** The inputs of the newest approved revision's `flake.lock`; null if it could not be read. */
  lock: { revision: string; inputs: LockedAge[] } | null;
  /** What could not be read besides, a line each. */
  problems: string[];
}
