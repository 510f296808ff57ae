import type { Command } from "../command-line/command";
import { completionScript, shells, type Shell } from "../command-line/completion";
import { commandNames } from "../command-line/registry";

export const command: Command = {
  name: "completion",
  usage: shells.join(" | "),
  description: [
    "Prints a script that your shell reads when it starts. It completes commands, options and fixed values.",
    "It does not complete names of VMs and waves, because that would call Google at each key press.",
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
