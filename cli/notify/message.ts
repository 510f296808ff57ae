/** The messages that people get about the fleet's events, one message a cause. Pure. */
import { short } from "../../rules/contract";
import type { FleetId } from "../fleet";
import type { FleetEvent } from "../history-entry";
import { scopeText } from "../../rules/text/sentences";
import { truncate } from "../../rules/text/text";

/** VMs that a message names; `fleet status` has the rest. */
const NAMED = 5;

/** A message's text, or undefined if an event has none. @param who the account that acted */
export function notificationOf(
  { fleet, stack }: FleetId,
  event: FleetEvent,
  who: string,
  link: string | undefined,
): string | undefined {
  const said = saidOf(event, who);
  return said && [`${fleet}/${stack}: ${truncate(said, 1_500)}`, ...(link === undefined ? [] : [link])].join("\n");
}

function saidOf(event: FleetEvent, who: string): string | undefined {
  const reason = event.why === undefined ? "" : `: ${event.why}`;
  switch (event.event) {
    case "gate":
      return gateText(event, who);
    case "hold":
      // The gate's own hold is a part of its failure.
      return event.why?.startsWith("by the gate of ") ? undefined : `${scopeOf(event)} held by ${who}${reason}`;
    case "resume":
      return `${scopeOf(event)} resumed by ${who}${reason}`;
    case "rollback":
      return `${revisionOf(event)} undone in ${scopeOf(event)} (${event.outcome})${reason}${failuresOf(event)}`;
    case "urgent":
      return `${revisionOf(event)} is urgent, says ${who}${reason}`;
    default:
      return undefined;
  }
}

function gateText(event: FleetEvent, who: string): string | undefined {
  // People know from the gate before.
  if (event.repeats === true) return undefined;
  const wave = scopeOf(event);
  const revision = revisionOf(event);
  switch (event.outcome) {
    case "started":
      return event.first === true ? `rollout of ${revision} began with ${wave}, by ${who}` : undefined;
    case "passed":
      return event.gate?.laterWaves.length === 0 ? `rollout of ${revision} is done` : undefined;
    case "failed":
    case "unproved": {
      const reason = event.why ?? event.outcome;
      return `${wave} stopped ${revision}: ${reason}${failuresOf(event)}`;
    }
    default:
      return undefined;
  }
}

function failuresOf({ failed = {} }: FleetEvent): string {
  const all = Object.entries(failed);
  const named = all.slice(0, NAMED).map(([vm, why]) => `\n- ${vm}: ${why}`);
  return named.join("") + (all.length > NAMED ? `\n- and ${all.length - NAMED} more` : "");
}

const revisionOf = ({ revision }: FleetEvent) => (revision === undefined ? "a revision" : short(revision));

/** A VM by its name alone. */
const scopeOf = ({ scope }: FleetEvent) => scopeText(scope).replace(/^VM /, "");
