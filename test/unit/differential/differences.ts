/** In what an agent's decision may differ from that of rules/, each by a name, and determined by the situation alone. */
import { parseState } from "../../../rules/agent-state";
import { fleetFactsOf } from "../../../rules/decision/decide-system";
import { parseObject } from "../../../rules/text/json";
import { flat } from "../../../rules/text/text";
import type { Difference } from "./compare";
import { targetDifferences, type TargetFacts } from "./target-differences";
import type { SystemSituation } from "./situations";
import { decided, inputOf } from "./system";

/** Only of a reason, and of the error that repeats it: those of rules/ name the field that is wrong. */
const namesTheField: Difference<SystemSituation> = {
  name: "the reason names what is not readable",
  fields: ["reason", "error"],
  applies: (situation) => {
    const { approvals, control, input } = fleetFactsOf(inputOf(situation));
    const unreadable = !control.ok || input.metadata.kind === "away" || Object.keys(approvals.problems).length > 0;
    return unreadable;
  },
};

export const differencesFrom010: readonly Difference<SystemSituation>[] = [
  {
    name: "an answer that is not whole counted as one",
    applies: (situation) =>
      (situation.answers !== undefined || situation.joined) && inputOf(situation).metadata.kind === "away",
  },
  {
    name: "an item of the wrong shape was taken as far as it went, or jq failed on it",
    applies: (situation) => {
      const { approvals, control } = fleetFactsOf(inputOf(situation));
      return !control.ok || Object.keys(approvals.problems).length > 0;
    },
  },
  {
    name: "the watcher and SSH triggers sent a VM to the branch's head",
    applies: ({ right }) => right === "approved",
  },
  {
    name: "a VM that left its fleet went on by its module's settings",
    applies: (situation) => situation.joined && inputOf(situation).metadata.kind === "absent",
  },
  ...targetDifferences<SystemSituation>("host", targetFacts),
  {
    name: "the first revision out of another repository had to descend from one of the former",
    fields: ["explicit"],
    applies: (situation) => {
      const { state, origin } = targetFacts(situation);
      return (
        state.repository !== undefined && origin.repository !== undefined && state.repository !== origin.repository
      );
    },
  },
  {
    name: "an approval overtook the metadata that belongs to it",
    applies: (situation) => {
      const { approval, settings } = fleetFactsOf(inputOf(situation));
      const { repository, branch } = approval ?? {};
      return (
        (repository !== undefined && repository !== settings.repository) ||
        (branch !== undefined && branch !== settings.branch)
      );
    },
  },
  {
    name: "a state with a value of the wrong type was kept",
    applies: (situation) => hasOddState(situation),
  },
  {
    name: "a hold's long reason was taken whole, and its new scope not at all",
    applies: (situation) => {
      const { control, input } = fleetFactsOf(inputOf(situation));
      const holds = control.ok ? control.value.holds : [];
      const local = input.localHold;
      return (
        holds.some(
          ({ scope, why, by }) =>
            why.length > 300 || flat(why) !== why || by === "" || !/^(fleet|(wave|vm):.+)$/.test(scope),
        ) ||
        (local !== null && typeof (local.by ?? "x") !== "string") ||
        typeof (local?.why ?? "") !== "string" ||
        local?.by === ""
      );
    },
  },
  {
    name: "a user was twice in a VM's homes, or root said less of what is approved for one",
    fields: ["settings"],
    applies: (situation) => {
      const { homes } = fleetFactsOf(inputOf(situation)).settings;
      const written = inputOf(situation).metadata;
      const listed = written.kind === "present" ? (written.instance.homes ?? []) : [];
      return listed.length > homes.length || homes.some(({ repository }) => repository !== undefined);
    },
  },
  {
    name: "where module and metadata disagree was not reported",
    fields: ["notes"],
    applies: ({ settings }) => settings !== "",
  },
  namesTheField,
];

export function targetFacts(situation: SystemSituation): TargetFacts {
  const { input, origin, approval, control } = fleetFactsOf(inputOf(situation));
  const { action, outcome, target } = decided(situation);
  const { state, drifted, force } = input;
  // A gate's hold is about the failure of what is approved.
  const isHeld = action === "stay" && (outcome === "held" || outcome === "failed");
  const revision = target?.revision ?? (isHeld ? approval?.revision : undefined);
  return { state, origin, revision, drifted, force, retry: control.ok ? control.value.retry : [] };
}

/** Whether a state file holds a field whose value no agent writes there. */
export function hasOddState({ state }: { state: string }): boolean {
  const item = parseObject(state);
  if (item === undefined) return false;
  const { state: read } = parseState(state);
  const lost = Object.keys(item).filter((name) => !(name in read) && item[name] !== null && item[name] !== "");
  const refused = Array.isArray(item["refused"]) ? item["refused"] : [];
  return lost.length > 0 || JSON.stringify(refused) !== JSON.stringify(read.refused ?? []);
}
