/** What all parts of the configuration's schema share: the form of a check, and the shapes that several keys have. */
import * as z from "zod";
import { shapes } from "../../rules/shapes";
import { userNamePattern } from "../../rules/instance-metadata";
import { durationPattern, parseDuration } from "../../rules/text/duration";

export const computeName = z
  .string()
  .regex(
    shapes.computeName,
    "must be a Compute name: a lower-case letter first, then letters, digits or -, 63 at most",
  );

export const keyPart = z
  .string()
  .regex(shapes.keyPart, "must be 1 to 30 lower-case letters or digits, with single - between them");

const duration = 'must be a duration such as "90s", "20m" or "1h30m"';

/** A duration as people write it, in seconds. */
export const seconds = z
  .string(duration)
  .regex(durationPattern, duration)
  .transform((written) => parseDuration(written) ?? 0);

export const userName = z
  .string()
  .regex(userNamePattern, "must be a Linux user name: lower-case letters, digits, _ or -, 32 at most");

export const port = z.int().min(1).max(65535);

/**
 * The raw values that a check reads: this project's keys without their namespace, Google's as `gcp:project`, `gcp:region` and `gcp:zone`,
 * and the stack's name as `pulumi:stack`.
 */
export type Values = Readonly<Record<string, unknown>>;

/** Mistakes between values that are each valid, a line each that begins with the key. Never throws. */
export type Check = (values: Values) => string[];

/**
 * A check that needs only a part of the configuration, so that a mistake elsewhere does not hide its findings. `needs` requires only the
 * values that the check uses.
 */
export function check<T>(needs: z.ZodType<T>, mistakes: (known: T) => string[]): Check {
  return (values) => {
    const known = needs.safeParse(values);
    return known.success ? mistakes(known.data) : [];
  };
}
