/** The list of commands and their summaries. A command's own file is loaded only when it runs, so that the tool starts quickly. */
import { didYouMean } from "../../rules/text/did-you-mean";
import { UsageError } from "../errors";
import { oneLine } from "../../rules/text/text";

/** In the order in which the help lists them. */
export const summaries = {
  status: "what every VM runs, what it should run, and why these differ",
  dashboard: "the status as a page in your browser, which stays up to date",
  show: "everything about one VM: metadata, approval, holds, last reports, homes",
  logs: "the last output of a VM's updates: from Cloud Logging, its serial console, or its journal",
  ssh: "a shell on a VM, through Google's Identity-Aware Proxy",
  diff: "what the desired revision would change: the lock's inputs, and the packages",
  await: "wait until every VM of a wave has applied its approval: the gate of a rollout",
  hold: "keep the fleet, a wave or a VM where it is, until resume",
  resume: "end a hold",
  pin: "have one VM run a given revision, whatever is approved",
  retry: "let VMs retry a revision that failed on them",
  rollback: "roll VMs back from a revision",
  rollout: "roll out an urgent revision, ignoring windows and pauses",
  trigger: "start VMs' updates now, by SSH",
  move: "move VMs from one stack of a fleet to another, in Pulumi's state",
  remove: "take a VM out of the fleet: stop it, keep its home, and say what is left to do",
  history: "who approved, held or rolled back what, when, and with what outcome",
  lock: "update flake.lock in your clone of the config repository, and push it",
  build: "build every host once, into a cache that the VMs fetch from",
  image: "build the VMs' image, and publish it to a project",
  doctor: "check the operator's side: programs, settings, Google, the repository, the VMs",
  explain: "the cause of an error and what to do about it, by its code",
  init: "start a Pulumi project and a config repository of your own",
  completion: "print a script that completes commands and options in your shell",
} as const;

export type CommandName = keyof typeof summaries;
export const commandNames = Object.keys(summaries) as CommandName[];

/** @throws UsageError if there is no command of this name */
export function commandName(written: string): CommandName {
  const found = commandNames.find((name) => name === written);
  if (found === undefined) {
    const help = didYouMean(written, commandNames) || `; there are ${commandNames.join(", ")}`;
    throw new UsageError(oneLine(`unknown command "${written}"${help}`, 400));
  }
  return found;
}
