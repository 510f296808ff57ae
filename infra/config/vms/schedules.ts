/** When groups of VMs are started and stopped. */
import * as z from "zod";
import { assignWaves, carries } from "../../../rules/rollout/waves";
import { own } from "../../../rules/text/json";
import { apart, minutesOfWeek } from "./cron";
import { quote } from "../parse";
import { check, keyPart } from "../schema";
import { labelled } from "./vms";
import { membership } from "../waves";

/** How many minutes late Compute may be (cloud.google.com/compute/docs/instances/schedule-instance-start-stop). */
const LATE = 15;
/** How many VMs one Compute schedule takes; a VM takes one schedule (the same page). */
const VMS = 1000;

const cron = z
  .string()
  .refine(
    (written) => minutesOfWeek(written) !== undefined,
    'must be MINUTE HOUR * * DAYS as cron has them, such as "0 7 * * 1-5"',
  );

const timeZone = z
  .string({ error: "must be set: a time zone of the tz database such as Europe/Brussels" })
  .refine(isTimeZone, "must be a time zone of the tz database such as Europe/Brussels");

/** Who follows the schedule: one of these. */
const members = {
  vms: z.array(z.string()).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  waves: z.array(z.string()).optional(),
  rest: z.literal(true).optional(),
};

const schedule = z
  .strictObject({ name: keyPart, start: cron.optional(), stop: cron.optional(), timeZone, ...members })
  .refine(({ start, stop }) => (start ?? stop) !== undefined, "must have a start, a stop or both")
  .refine(
    ({ start = "", stop = "" }) => apart(minutesOfWeek(start) ?? [], minutesOfWeek(stop) ?? []) >= LATE,
    `must have ${LATE} minutes between start and stop at least: Compute may be as late as that`,
  );

export const scheduleKeys = { schedules: z.array(schedule).default([]) };

interface Group {
  name: string;
  vms?: string[] | undefined;
  labels?: Record<string, string> | undefined;
  waves?: string[] | undefined;
  rest?: true | undefined;
}

interface Member {
  name: string;
  labels: Record<string, string>;
  wave?: string | undefined;
}

/**
 * Which VM follows which schedule, and the mistakes in the groups, a line each. A VM follows at most one; the schedule with `rest` is for
 * VMs that no other schedule takes. Without VMs, no schedule has any.
 */
export function assignSchedules(
  groups: readonly Group[],
  vms: readonly Member[],
): { scheduleOf: Record<string, string>; mistakes: string[] } {
  const scheduleOf: Record<string, string> = {};
  const mistakes: string[] = [];
  const inOrder = [...groups.entries()].sort(([, a], [, b]) => Number(a.rest ?? false) - Number(b.rest ?? false));
  for (const [index, group] of inOrder) {
    const at = `schedules[${index}]`;
    const before = mistakes.length;
    mistakes.push(...groupMistakes(at, group, index, groups, vms));
    const taken = vms.filter((vm) => belongs(vm, group) && !(group.rest && Object.hasOwn(scheduleOf, vm.name)));
    for (const { name } of taken) {
      const other = own(scheduleOf, name);
      if (other === undefined) scheduleOf[name] = group.name;
      else mistakes.push(`${at}: ${quote(name)} follows ${quote(other)} already; a VM follows one schedule`);
    }
    if (taken.length > VMS) mistakes.push(`${at}: ${taken.length} VMs are too many; Compute takes ${VMS} a schedule`);
    if (vms.length > 0 && taken.length === 0 && mistakes.length === before)
      mistakes.push(`${at}: ${quote(group.name)} has no VM; give it one or remove it`);
  }
  return { scheduleOf, mistakes };
}

function groupMistakes(
  at: string,
  group: Group,
  index: number,
  groups: readonly Group[],
  vms: readonly Member[],
): string[] {
  const given = Object.keys(members).filter((way) => group[way as keyof typeof members] !== undefined);
  const unknown = (group.vms ?? []).filter((name) => !vms.some((vm) => vm.name === name));
  const strange = (group.waves ?? []).filter((name) => !vms.some((vm) => vm.wave === name));
  return [
    ...(groups.findIndex(({ name }) => name === group.name) === index
      ? []
      : [`${at}.name: ${quote(group.name)} is used twice; names of schedules are unique`]),
    ...(given.length === 1 ? [] : [`${at}: ${quote(group.name)} must have one of vms, labels, waves and rest: true`]),
    ...unknown.map((name) => `${at}.vms: ${quote(name)} is not a VM of this fleet`),
    ...strange.map((name) => `${at}.waves: ${quote(name)} is not a wave with a VM`),
  ];
}

function belongs(vm: Member, { vms, labels, waves, rest }: Group): boolean {
  return (
    rest === true ||
    (vms ?? []).includes(vm.name) ||
    (waves ?? []).includes(vm.wave ?? "") ||
    (labels !== undefined && carries(vm.labels, labels))
  );
}

/** Whether the tz database has a zone with exactly this name. */
function isTimeZone(name: string): boolean {
  try {
    const { timeZone: known } = new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions();
    // Offsets are not zone names, and Intl ignores case.
    return /^[A-Za-z]/.test(name) && (known === name || known.toLowerCase() !== name.toLowerCase());
  } catch {
    return false;
  }
}

/** The groups are checked even if the schedules have other mistakes. */
export const checkSchedules = check(
  membership.extend({ schedules: z.array(z.object({ ...members, name: z.string() })) }),
  ({ vms: written, defaults, waves, schedules }) => {
    const vms = labelled(written, defaults);
    const { waveOf } = assignWaves(waves, vms);
    return assignSchedules(
      schedules,
      vms.map((vm) => ({ ...vm, wave: own(waveOf, vm.name) })),
    ).mistakes;
  },
);
