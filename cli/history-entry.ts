/** An entry of the fleet's history: what was done, and how it went. */
import * as z from "zod";
import { oneLine } from "../rules/text/text";

export const entryText = (limit: number) => z.string().transform((value) => oneLine(value, limit));

/** What happened. Everything is in words that are safe to print. */
export const eventSchema = z.object({
  /** What was done: a gate is a wave's rollout. */
  event: z.enum(["gate", "hold", "resume", "retry", "pin", "rollback", "urgent", "remove", "move"]),
  /** `fleet`, `wave:NAME` or `vm:NAME`. */
  scope: entryText(100).default("fleet"),
  /** The full revision that it is about. */
  revision: entryText(40).optional(),
  /** How it stands. What is done at once is `done`. */
  outcome: z.enum(["started", "passed", "unproved", "failed", "interrupted", "done"]).default("done"),
  /** The reason that was given, or what came of it. */
  why: entryText(500).optional(),
  /** Seconds. */
  took: z.number().optional(),
  /** VMs by result. */
  counts: z.record(entryText(63), z.number()).optional(),
  /** VM → reason. */
  failed: z.record(entryText(63), entryText(300)).optional(),
  /** Of a gate: by which rules it decides. */
  gate: z
    .object({
      /** In the order of approval. */
      laterWaves: z.array(entryText(63)).max(100),
      minSucceeded: z.number(),
      /** A number of VMs, or a share such as `10%`. */
      maxFailures: entryText(20),
    })
    .optional()
    .catch(undefined),
  /** Of a gate that begins: no other wave has been approved for the revision yet, so that its rollout begins. */
  first: z.boolean().optional(),
  /** Of a gate: the revision had been stopped here before it began, so that it can only end as the one before did. */
  repeats: z.boolean().optional(),
  /** The same for the start and the end of one rollout. */
  run: entryText(40).optional(),
});
export type FleetEvent = z.infer<typeof eventSchema>;

/** An event, when it was, and whose it is. */
export interface HistoryEntry extends FleetEvent {
  /** RFC 3339. */
  at: string;
  /** The account that acted, or the user and machine if that is all that is known. */
  by: string;
  /** User and machine. */
  from: string;
}
