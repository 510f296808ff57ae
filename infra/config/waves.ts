/** The waves as they are written, and what a gate waits for. */
import { z } from "zod";
import { assignWaves } from "../../rules/waves";
import { check, keyPart, seconds } from "./schema";
import { labelled } from "./vms";

const percent = /^([1-9]?\d|100)%$/;
const shareText = "must be a share of the VMs that are left, such as 20%";

const budget = z.custom<number | string>(
  (value) => (typeof value === "string" ? percent.test(value) : Number.isInteger(value) && Number(value) >= 0),
  "must be a number of VMs or a share such as 10%",
);

/** Who belongs to a wave: one of these. */
const members = {
  name: keyPart,
  vms: z.array(z.string()).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  share: z
    .string(shareText)
    .regex(/^([1-9]\d?|100)%$/, shareText)
    .transform((written) => parseInt(written, 10))
    .optional(),
  rest: z.literal(true).optional(),
};

const wave = z.strictObject({
  ...members,
  maxFailures: budget.default(0),
  timeout: seconds.default(20 * 60),
  pause: seconds.default(0),
  onFailure: z.enum(["hold", "rollback", "continue"]).default("hold"),
  homes: z.enum(["gate", "report"]).default("report"),
  parallel: z.int().min(1).optional(),
});

/** Without waves of its own a fleet is one. */
const ONE_WAVE = [{ name: "all", rest: true as const }];

export const waveKeys = {
  waves: z.array(wave).min(1, "must name at least one wave").prefault(ONE_WAVE),
  bootTimeout: seconds.default(15 * 60),
};

/** What says which VM is in which wave. */
export const membership = z.object({
  vms: z.array(z.object({ name: z.string(), labels: z.record(z.string(), z.string()).default({}) })),
  defaults: z.object({ labels: z.record(z.string(), z.string()).default({}) }).prefault({}),
  waves: z.array(z.object({ ...members, name: z.string() })).default(ONE_WAVE),
});

/** Every VM is in exactly one wave. */
export const checkWaves = check(
  membership,
  ({ vms, defaults, waves }) => assignWaves(waves, labelled(vms, defaults)).mistakes,
);
