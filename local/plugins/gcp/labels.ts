/** Labels: the program's own, the provider's, and those that others put on a resource. */
import { isObject, type Props } from "../core/value";
import { texts, type Settings } from "./resource";

/** Outputs of a type that has labels. */
export const LABEL_OUTPUTS = ["effectiveLabels", "labelFingerprint", "pulumiLabels"];

/** The labels that Pulumi puts on a resource. */
export function pulumiLabels(inputs: Props, settings: Settings): Record<string, string> {
  return { ...settings.labels, ...texts(inputs["labels"]) };
}

/** A resource's labels after a change: labels that others added stay. */
export function nextLabels(current: Props, olds: Props, inputs: Props, settings: Settings): Record<string, string> {
  const ours = pulumiLabels(olds, settings);
  const others = Object.entries(texts(current["labels"])).filter(([key]) => !(key in ours));
  return { ...Object.fromEntries(others), ...pulumiLabels(inputs, settings) };
}

/** The label outputs from Compute's answer: `labels` are those that the program sets. */
export function labelState(answer: Props, inputs: Props, settings: Settings): Props {
  const all = texts(answer["labels"]);
  const among = (wanted: Record<string, string>) =>
    Object.fromEntries(Object.entries(all).filter(([key]) => key in wanted));
  return {
    ...(isObject(inputs["labels"]) ? { labels: among(texts(inputs["labels"])) } : {}),
    pulumiLabels: among(pulumiLabels(inputs, settings)),
    effectiveLabels: all,
    labelFingerprint: answer["labelFingerprint"] ?? "",
  };
}
