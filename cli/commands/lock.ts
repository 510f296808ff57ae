import { short } from "../../rules/contract";
import type { Command } from "../command-line/command";
import { lockLines } from "../repository/lock-text";
import { updateLock } from "../repository/lock-update";
import { oneLine } from "../../rules/text/text";

export const command: Command = {
  name: "lock",
  usage: "update [INPUT…] [--clone DIRECTORY]",
  description: [
    "Updates the inputs (all of them by default) with nix flake update, commits flake.lock and pushes the commit.",
    "The clone must have no changes and be level with its remote. If a step fails, the clone stays as it was. pulumi up then",
    "rolls the lock out.",
  ],
  examples: ["lock update", "lock update nixpkgs --clone ~/nixos-config"],
  options: {
    clone: {
      value: "DIRECTORY",
      env: "NIXOS_FLEET_CONFIG_CLONE",
      complete: "directory",
      description: "the clone; by default the directory you are in",
    },
    json: { description: "print the changed inputs as JSON" },
  },
  positionals: { least: 1, most: 100, verbs: ["update"] },
  async run(call) {
    const [, ...inputs] = call.positionals;
    const clone = call.options.text("clone") ?? process.cwd();
    const update = await updateLock(clone, inputs, call);
    const text =
      update.revision === null
        ? ["nothing newer: flake.lock stays as it is"]
        : [
            ...lockLines(update.changes),
            `pushed ${short(update.revision)} to ${update.branch}; pulumi preview shows what it would roll out`,
            ...(update.cloneProblem === null
              ? []
              : [
                  oneLine(
                    `your clone stays at ${short(update.before)} (${update.cloneProblem}); git pull when you are ready`,
                    400,
                  ),
                ]),
          ];
    (call.options.flag("json") ? [JSON.stringify(update, null, 2)] : text).forEach(call.print);
    return 0;
  },
};
