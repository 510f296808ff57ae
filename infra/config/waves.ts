/** The waves in the form of the settings, and what a gate waits for. */
import * as z from "zod";
import { assignWaves } from "../../rules/rollout/waves";
import { formatDuration, parseDuration } from "../../rules/text/duration";
import { TURN_SECONDS, turnsOf } from "../../rules/decision/turn";
import { check, keyPart, seconds } from "./schema";
import { labelled } from "./vms/vms";

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

const TIMEOUT = "20m";

const wave = z
  .strictObject({
    ...members,
    minSucceeded: z.int("must be a number of VMs").min(0, "must be a number of VMs").optional(),
    maxFailures: budget.default(0),
    timeout: seconds.prefault(TIMEOUT),
    pause: seconds.default(0),
    onFailure: z.enum(["hold", "rollback", "continue"]).default("hold"),
    homes: z.enum(["gate", "report"]).default("report"),
    reboot: z.literal("required", 'must be "required", or omitted').optional(),
    rebootDeadline: seconds.optional(),
    maxParallel: z.int("must be a number of VMs").min(1, "must be a number of VMs").optional(),
    parallel: z.int().min(1).optional(),
  })
  .meta({ examples: [{ name: "rest", rest: true }] });

/** A fleet without waves is one wave. */
const ONE_WAVE = [{ name: "all", rest: true as const }];

export const waveKeys = {
  waves: z.array(wave).min(1, "must name at least one wave").prefault(ONE_WAVE),
  bootTimeout: seconds.prefault("15m"),
  urgent: z
    .string()
    .regex(/^[0-9a-f]{40}$/, "must be a full git revision (40 hex digits)")
    .optional(),
  urgentWhy: z.string("must be a text that says why").max(200, "must be at most 200 characters").optional(),
};

/** The settings that decide which VM is in which wave. */
export const membership = z.object({
  vms: z.array(z.object({ name: z.string(), labels: z.record(z.string(), z.string()).default({}) })),
  defaults: z.object({ labels: z.record(z.string(), z.string()).default({}) }).prefault({}),
  waves: z
    .array(
      z.object({
        ...members,
        name: z.string(),
        minSucceeded: z.number().optional(),
        maxParallel: z.number().optional(),
        timeout: z.string().optional(),
        reboot: z.string().optional(),
        rebootDeadline: z.string().optional(),
      }),
    )
    .prefault(ONE_WAVE),
});

/** Checks that every VM is in exactly one wave, and that no wave needs more proof than it has VMs. */
export const checkWaves = check(membership, ({ vms, defaults, waves }) => {
  const assigned = assignWaves(waves, labelled(vms, defaults));
  const tooMany = assigned.waves.flatMap(({ name, minSucceeded = 0, vms }, index) =>
    vms.length > 0 && minSucceeded > vms.length
      ? [`waves[${index}].minSucceeded: ${minSucceeded} is more than the ${vms.length} VMs of wave "${name}"`]
      : [],
  );
  const alone = waves.flatMap(({ reboot, rebootDeadline }, index) =>
    rebootDeadline !== undefined && reboot === undefined
      ? [`waves[${index}].rebootDeadline: "${rebootDeadline}" has no effect without reboot: required`]
      : [],
  );
  return [...assigned.mistakes, ...tooMany, ...alone, ...assigned.waves.flatMap(turnMistakes)];
});

/** A VM whose turn comes after the wave's timeout would count as failed before its turn. */
function turnMistakes(
  wave: { maxParallel?: number | undefined; timeout?: string | undefined; vms: readonly string[] },
  index: number,
): string[] {
  const { maxParallel, vms } = wave;
  if (maxParallel === undefined || maxParallel < 1) return [];
  const timeout = parseDuration(wave.timeout ?? TIMEOUT) ?? Infinity;
  const turns = turnsOf(vms.length, maxParallel);
  const takes = turns * TURN_SECONDS;
  return turns === 1 || takes < timeout
    ? []
    : [
        `waves[${index}].maxParallel: ${vms.length} VMs, ${maxParallel} at once, activate in ${turns} turns of ${formatDuration(TURN_SECONDS)} (the number is a power of two), which take ${formatDuration(takes)}; the wave's timeout must be longer, such as ${formatDuration(takes + 60)}, and is ${formatDuration(timeout)}`,
      ];
}

/** Fills in the defaults that depend on the wave's position: one VM of the first wave has to prove a revision before later waves get it. */
export function completeWaves<W extends { minSucceeded?: number | undefined }>(
  waves: readonly W[],
): (W & { minSucceeded: number })[] {
  return waves.map((wave, index) => ({ ...wave, minSucceeded: wave.minSucceeded ?? (index === 0 ? 1 : 0) }));
}
