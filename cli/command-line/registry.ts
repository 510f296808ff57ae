/** The list of commands: what each is for. The commands themselves are read one at a time, so that the tool starts at once. */
import { didYouMean } from "../../rules/text/did-you-mean";
import { UsageError } from "../errors";
import { oneLine } from "../../rules/text/text";

/** In the order in which the help lists them. */
export const summaries = {
  status: "what every VM runs, what it should run, and why not",
  dashboard: "the status as a page in your browser, which stays up to date",
  show: "everything about one VM: metadata, approval, holds, last reports, homes",
  logs: "what a VM's updates said last: Cloud Logging, its serial console, or its journal",
  ssh: "a shell on a VM, through Google's Identity-Aware Proxy",
  diff: "what the desired revision would change: the lock's inputs, and the packages",
  await: "wait until every VM of a wave has applied its approval: the gate of a rollout",
  hold: "keep the fleet, a wave or a VM where it is, until resume",
  resume: "end a hold",
  pin: "have one VM run a revision of its own, whatever is approved",
  retry: "let VMs try a revision again that failed on them",
  rollback: "take a revision back from the VMs that run it",
  rollout: "roll a revision out past windows and pauses, because it is urgent",
  trigger: "start VMs' updates now, by SSH",
  move: "take VMs from one stack of a fleet to another, in Pulumi's state",
  remove: "take a VM out of the fleet: stop it, keep its home, and say what is left to do",
  history: "who approved, held or rolled back what, when, and how it went",
  lock: "update flake.lock in your clone of the config repository, and push it",
  build: "build every host once, for a cache that the VMs take it from",
  image: "build the VMs' image, and publish it to a project",
  doctor: "check the operator's side: programs, settings, Google, the repository, the VMs",
  explain: "what leads to an error and what to do about it, by its code",
  init: "start a Pulumi project and a config repository of your own",
  completion: "print a script that completes commands and options in your shell",
} as const;

export type CommandName = keyof typeof summaries;
export const commandNames = Object.keys(summaries) as CommandName[];

/** @throws UsageError where there is no command of this name */
export function commandName(written: string): CommandName {
  const found = commandNames.find((name) => name === written);
  if (found === undefined) {
    const help = didYouMean(written, commandNames) || `; there are ${commandNames.join(", ")}`;
    throw new UsageError(oneLine(`unknown command "${written}"${help}`, 400));
  }
  return found;
}
