/** What the VM's watcher has seen of the metadata, since it acts on changes only. */
import { join } from "node:path";
import { changeOf, relevantState, type RelevantState } from "../rules/decision/relevant-state";
import type { Metadata } from "../rules/metadata";
import { parseJson } from "../rules/text/json";
import { isThere, readText, writeFileAtomic } from "./host/files";

type Answered = Extract<Metadata, { kind: "present" | "absent" }>;

const fileIn = (runFolder: string) => join(runFolder, "watch-baseline");

/** The first reader of the metadata after a boot sets the baseline, so that no change in between is missed. */
export function setBaseline(runFolder: string, metadata: Answered): void {
  const file = fileIn(runFolder);
  if (!isThere(file)) writeFileAtomic(file, JSON.stringify(relevantState(metadata)));
}

/**
 * Moves the baseline to these metadata, after `onChange`: a process that dies in between has it done twice, which costs nothing.
 * @returns whether something changed; `first` if there was no baseline to compare with
 */
export function moveBaseline(
  runFolder: string,
  metadata: Answered,
  onChange: (change: string) => void = () => undefined,
): boolean | "first" {
  const file = fileIn(runFolder);
  const after = relevantState(metadata);
  const text = JSON.stringify(after);
  const before = readText(file);
  const change = before === undefined ? undefined : changeOf(parseJson(before) as RelevantState | null, after);
  if (change !== undefined) onChange(change);
  if (before !== text) writeFileAtomic(file, text);
  return before === undefined ? "first" : change !== undefined;
}
