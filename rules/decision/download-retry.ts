/**
 * When a file that does not come is asked for again, and when its server counts as away. Pure. Only HTTP 404 says that a server does not
 * have a file. Any other failure says nothing about the file: unknown is not absent.
 */

import { spread } from "./retry-delay";

/** How a request ended. */
interface Transfer {
  /** curl's exit status; 0 if a whole answer came. */
  exit: number;
  /** The HTTP status; 0 if no answer came. */
  status: number;
}

export function answerOf({ exit, status }: Transfer): "whole" | "absent" | "unknown" {
  if (status === 404) return "absent";
  return exit === 0 && status >= 200 && status < 300 ? "whole" : "unknown";
}

/** Requests that run at once. */
export const PARALLEL = 8;
/** If so many requests in a row fail, the server is left alone until the next try. */
export const FAILURES_IN_A_ROW = PARALLEL;

/** With pauses of 2, 4, 8, 16 and 32 s between them, these tries take about a minute. */
const TRIES = 6;
/** A server that hangs takes long for each request, so fewer are enough if they took as long as the pauses do. */
const REQUESTS_IF_SLOW = 3;

interface Tried {
  tries: number;
  /** Requests that a try makes, one after the other; one if absent. */
  attempts?: number;
  /** Milliseconds since the first failure: what other files took before it says nothing about this one. */
  milliseconds: number;
  /** Milliseconds of the first pause. */
  pause: number;
}

/** Whether a server that does not answer a request counts as away. */
export function isAway({ tries, attempts = 1, milliseconds, pause }: Tried): boolean {
  return tries >= TRIES || (tries * attempts >= REQUESTS_IF_SLOW && milliseconds >= pause * 2 ** (TRIES - 1));
}

/** Milliseconds until the next try: twice as long each time, plus or minus a quarter, so that VMs do not retry together. */
export function pauseAfter(tries: number, pause: number, random: number): number {
  return spread(pause * 2 ** (tries - 1), random);
}
