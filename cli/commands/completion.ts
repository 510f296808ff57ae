import type { Command } from "../command-line/command";
import { completionScript, shells, type Shell } from "../command-line/completion";
import { commandNames } from "../command-line/registry";

export const command: Command = {
  name: "completion",
  usage: shells.join(" | "),
  description: [
    "Prints a script for your shell to read at its start. It completes commands, options and the values that are fixed.",
    "Names of VMs and waves are not completed, since that would ask Google at each key.",
  ],
  examples: ["completion bash | sudo tee /etc/bash_completion.d/fleet", "completion fish | source"],
  options: { json: { description: "print the script as one JSON document" } },
  positionals: { least: 1, most: 1, verbs: shells },
  verbatim: true,
  run({ options, positionals, print, loadCommand }) {
    const shell = positionals[0] as Shell;
    const script = completionScript(shell, commandNames.map(loadCommand));
    (options.flag("json") ? [JSON.stringify({ shell, script: script.join("\n") }, null, 2)] : script).forEach(print);
    return Promise.resolve(0);
  },
};
