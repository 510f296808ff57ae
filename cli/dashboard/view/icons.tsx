/** Signs for states: each has a shape of its own, so that colour is not needed. */
import type { Drift } from "../../../rules/contract";
import type { Verdict } from "../model/fleet";
import type { WaveState } from "../model/rollout";

const shapes = {
  check: "M3.5 8.5l3 3 6-7",
  cross: "M4 4l8 8M12 4l-8 8",
  question: "M5.5 6a2.5 2.5 0 1 1 3.6 2.2C8.3 8.7 8 9.2 8 10M8 12.6v.2",
  down: "M8 3v9M4.5 8.5L8 12l3.5-3.5",
  up: "M8 13V4M4.5 7.5L8 4l3.5 3.5",
  pause: "M6 4v8M10 4v8",
  clock: "M8 4.5V8l2.5 1.7",
  ring: "",
  play: "M6 4.5l5 3.5-5 3.5z",
  back: "M4 7h5.5a2.5 2.5 0 0 1 0 5H7M6.5 4.5L4 7l2.5 2.5",
} as const;

type Shape = keyof typeof shapes;

const driftShape: Record<Drift, Shape> = {
  failed: "cross",
  unknown: "question",
  behind: "down",
  held: "pause",
  waiting: "clock",
  ahead: "up",
  none: "check",
  stopped: "ring",
};

const waveShape: Record<WaveState, Shape> = {
  passed: "check",
  running: "play",
  failed: "cross",
  held: "pause",
  undone: "back",
  unproved: "question",
  interrupted: "question",
  waiting: "ring",
};

const verdictShape: Record<Verdict, Shape> = { well: "check", busy: "play", attention: "cross" };

function Sign({ shape, tone }: { shape: Shape; tone: string }) {
  return (
    <svg class={`sign tone-${tone}`} viewBox="0 0 16 16" aria-hidden="true">
      <circle cx="8" cy="8" r="7.25" />
      {shape === "ring" ? null : <path d={shapes[shape]} />}
    </svg>
  );
}

export const DriftSign = ({ drift }: { drift: Drift }) => <Sign shape={driftShape[drift]} tone={drift} />;

const waveTone: Record<WaveState, string> = {
  passed: "none",
  running: "accent",
  failed: "failed",
  held: "held",
  undone: "failed",
  unproved: "behind",
  interrupted: "behind",
  waiting: "stopped",
};
export const WaveSign = ({ state }: { state: WaveState }) => <Sign shape={waveShape[state]} tone={waveTone[state]} />;

const verdictTone: Record<Verdict, string> = { well: "none", busy: "accent", attention: "failed" };
export const VerdictSign = ({ verdict }: { verdict: Verdict }) => (
  <Sign shape={verdictShape[verdict]} tone={verdictTone[verdict]} />
);

const outcomeShape: Record<string, [Shape, string]> = {
  passed: ["check", "none"],
  failed: ["cross", "failed"],
  unproved: ["question", "behind"],
  interrupted: ["question", "behind"],
  started: ["play", "accent"],
};
export function OutcomeSign({ outcome }: { outcome: string }) {
  const [shape, tone] = outcomeShape[outcome] ?? ["ring", "stopped"];
  return <Sign shape={shape} tone={tone} />;
}
