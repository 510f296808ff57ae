/** One situation, decided by rules/ and by an agent's jq, both in the words that bash takes up. */
import { hasDrifted, parseState } from "../../../rules/agent-state";
import { decideSystem, type SystemDecision, type SystemInput } from "../../../rules/decision/decide-system";
import type { Decision } from "../../../rules/decision/decision";
import { contract } from "../../../rules/contract";
import { isObject, parseObject } from "../../../rules/text/json";
import { readMetadata } from "../../../rules/metadata";
import { flat } from "../../../rules/text/text";
import type { Comparable } from "./compare";
import type { SystemSituation } from "./situations";

export function inputOf(situation: SystemSituation): SystemInput {
  const { answers, google, joined, hold, settings, trial, current, profile, boot, force, right, wanted } = situation;
  const { state } = parseState(situation.state);
  return {
    metadata: readMetadata(
      answers ?? { attributes: undefined, name: undefined, instance: undefined },
      google || joined,
    ),
    joined,
    hostname: "localhost",
    settings: parseObject(settings) ?? {},
    state,
    localHold: hold === "" ? null : (parseObject(hold) ?? {}),
    right,
    wanted: wanted === "" ? undefined : wanted,
    force,
    drifted: hasDrifted(state, { profile, current, boot, trial: parseObject(trial) }),
    head: situation.head,
    descends: situation.descends,
  };
}

/** The standard input and the named arguments of `system.jq`, as that agent's bash gives them. */
export function jqInputOf(situation: SystemSituation): object {
  const { answers, google, state, hold, trial, settings, current, profile, boot } = situation;
  const { force, wanted, head, descends } = situation;
  const served = answers?.attributes?.status === 200 ? answers : "";
  const lines =
    served === ""
      ? ""
      : [served.attributes, served.name, served.instance]
          .flatMap((one) => [one?.body ?? "", String(one?.status)])
          .join("\n");
  const named = { contract: [contract], google: String(google), state, hold, trial, settings, current, profile, boot };
  const known = {
    hostname: "localhost",
    force: String(force),
    wanted,
    ...(head === undefined ? {} : { head }),
    ...(descends === undefined ? {} : { descends: String(descends) }),
  };
  return { input: `${lines}\n`, named: { ...named, ...known } };
}

/** A decision of rules/, in the words of the agent's bash. */
export function comparable(
  decision: Decision & { settings: Record<string, unknown>; retry?: string[]; notes?: string[] },
): Comparable {
  const { action, outcome, reason, stage, error, rolledBack, need, target, transient } = decision;
  const said = outcome === "deferred" || outcome === "held" ? reason : "";
  return {
    action,
    outcome,
    reason: plainHold(flat(reason)),
    stage: stage ?? "",
    error: error ?? plainHold(said),
    rolledBack: String(rolledBack),
    needHead: need?.kind === "head" ? "true" : "",
    needDescent: need?.kind === "descent" ? need.revision : "",
    passes: String(transient),
    approved: decision.approved ?? "",
    revision: target?.revision ?? "",
    lock: target?.lock ?? "",
    manifest: target?.manifest?.url ?? "",
    manifestDigest: target?.manifest?.sha256 ?? "",
    explicit: String(target?.explicit ?? false),
    retry: decision.retry ?? [],
    notes: aboutSettings(decision.notes ?? []),
    settings: plain(decision.settings),
  };
}

/** A hold's text without where it is: the old agent says that of no hold. */
function plainHold(text: string): string {
  return text.replace(/^held locally by/, "held by");
}

/**
 * An answer of the old agent's jq, in the same form. That agent writes "somebody" where a hold names no one, and has another word for a stay
 * before the first deployment.
 */
export function comparableAnswer(answer: Record<string, string>): Comparable {
  const { retry = "[]", notes = "", ...rest } = answer;
  const settings = Object.entries(rest).flatMap(([key, value]) =>
    key.startsWith("settings.") && value !== "" ? [[key.slice("settings.".length), value] as const] : [],
  );
  const others = ["state", "deployed", "deployedPath", "previous", "ifDeployed"];
  const words = Object.entries(rest).filter(([key]) => !key.startsWith("settings.") && !others.includes(key));
  return {
    ...Object.fromEntries(words.map(([key, value]) => [key, value.replace(/^held by somebody/, "held by someone")])),
    ...(rest["action"] === "wait" ? { action: "stay" } : {}),
    retry: JSON.parse(retry) as unknown,
    notes: aboutSettings(notes.split("\n")),
    settings: plain(Object.fromEntries(settings)),
  };
}

/** Settings in which what is JSON is what it holds, without what is null; a home without an attribute is its user's. */
function plain(settings: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(settings).map(([key, value]) => {
    const held =
      typeof value === "string" && /^[[{]|^(true|false|\d+)$/.test(value) ? (JSON.parse(value) as unknown) : value;
    return [key, key === "homes" && Array.isArray(held) ? held.map(plainHome) : held] as const;
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== null && value !== ""));
}

function plainHome(home: unknown): unknown {
  if (!isObject(home)) return home;
  const named = Object.fromEntries(Object.entries(home).filter(([, value]) => value !== null));
  return { attribute: home["user"], ...named };
}

function aboutSettings(notes: readonly string[]): string[] {
  return notes.filter((note) => note.includes(": the instance metadata says ")).map(flat);
}

export function decided(situation: SystemSituation): SystemDecision {
  return decideSystem(inputOf(situation));
}
