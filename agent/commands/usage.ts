/** The usage of each program: the source of --help, of the manual pages and of the shells' completions. */
import { contract } from "../../rules/contract";
import type { Program } from "../host/log";
import { triggers } from "../requests";

export interface Option {
  name: string;
  /** The name of its value, in capitals; absent if it takes none. */
  value?: string;
  /** The values that it takes, if these are known. */
  values?: readonly string[];
  text: string;
}

export interface Command {
  name: string;
  /** Arguments as the usage shows them; absent if it takes none. */
  args?: string;
  text: string;
  options?: readonly Option[];
  /** For units of systemd; people need it rarely. */
  service?: true;
  /** Whether it needs no root, where the program's other commands do. */
  anyUser?: true;
  /** What a developer without root may do instead. */
  instead?: string;
}

interface ProgramUsage {
  /** Of the manual. */
  section: 1 | 8;
  summary: string;
  /** Paragraphs. */
  description: readonly string[];
  commands: readonly Command[];
  files: readonly (readonly [path: string, text: string])[];
  related: readonly string[];
}

const revision: Option = {
  name: "--revision",
  value: "REV",
  text: "update to this revision (40 digits); the next run returns to the desired one, unless held",
};
const by: Option = { name: "--by", value: "WHO", text: "who requests the update, for the journal" };
const once: Option = { name: "--once", text: "do not retry automatically, whatever the run waits for or fails for" };
const trigger: Option = {
  name: "--trigger",
  value: "WHAT",
  values: triggers,
  text: `${triggers.slice(0, -1).join(", ")} or ${triggers.at(-1) ?? ""}`,
};

const status: Command = {
  name: "status",
  args: "[--json]",
  text: "show what runs, what an update does now, and how the last one ended",
  options: [{ name: "--json", text: "print JSON" }],
  anyUser: true,
};
const check: Command = {
  name: "check",
  text: "show what an update would do now and how the closure would change; changes nothing",
};
const hold: Command = { name: "hold", args: "[WHY…]", text: "stop updates until resume" };
const resume: Command = { name: "resume", text: "end the hold, and update" };
const showLog: Command = {
  name: "log",
  args: "[ARGUMENT…]",
  text: "show the journal of all runs; takes arguments of journalctl",
  anyUser: true,
};
const selfTest: Command = {
  name: "self-test",
  text: "check that this agent works here; changes nothing",
  anyUser: true,
};

export const usage: Record<Program, ProgramUsage> = {
  "nixos-auto-update": {
    section: 8,
    summary: "update this machine from its configuration repository",
    description: [
      "Builds the machine's configuration at the revision that is approved for it, or at the head of its branch, switches to it, checks its health, and rolls back if it is not healthy. Timers, a watcher and administrators start it.",
      "Every user can run status, log and self-test; the other commands need root.",
    ],
    commands: [
      status,
      { ...check, instead: "status says what runs, and how the last update went" },
      {
        name: "run",
        args: "[OPTION…]",
        text: "update now, if there is something new",
        options: [{ name: "--force", text: "retry a refused revision" }, revision, by, once, trigger],
        instead: "status says how the last update went; nixos-hm-auto-update run updates your own home",
      },
      {
        name: "trigger",
        args: "[OPTION…]",
        text: "start the service, and wait for the update",
        options: [trigger, by],
        instead: "status says how the last update went",
      },
      { ...hold, instead: "nixos-hm-auto-update hold keeps your own home as it is" },
      { ...resume, instead: "nixos-hm-auto-update resume lets your own home go on" },
      showLog,
      { name: "publish", args: "USER", text: "publish the report of a user's home", service: true },
      {
        name: "serve",
        args: "[USER]",
        text: "start a home, or the homes of users who logged in for the first time",
        service: true,
      },
      { name: "reboot", text: "reboot, if an update needs it and it is allowed now", service: true },
      { name: "watch", text: "wait for approvals, and trigger updates", service: true },
      { name: "look", text: "read once what the watcher waits for", service: true },
      { name: "bootstrap", text: "update at the first boot, until something is deployed", service: true },
      selfTest,
    ],
    files: [
      [contract.paths.settings, "the module's settings"],
      [contract.paths.state, "the agent's state, holds, and a mirror of the repository"],
    ],
    related: ["nixos-hm-auto-update(1)", "nixos-rebuild(8)", "journalctl(1)"],
  },
  "nixos-hm-auto-update": {
    section: 1,
    summary: "update this home from its configuration repository",
    description: [
      "Builds the home at the machine's revision, or at the head of its own repository, switches to it, checks its health, and rolls back if it is not healthy. A unit of the user's systemd starts it after each update of the machine, and a timer after boot.",
    ],
    commands: [
      status,
      check,
      {
        name: "run",
        args: "[OPTION…]",
        text: "update this home now, if there is something new; tries again what failed",
        options: [
          {
            name: "--force",
            text: "update in spite of work that is not pushed, and before the machine has said what homes may run",
          },
          revision,
          by,
          once,
          trigger,
        ],
      },
      hold,
      resume,
      showLog,
      selfTest,
    ],
    files: [
      [`~/.config/${contract.paths.homeSettings}`, "the module's settings"],
      [`~/.local/state/${contract.paths.homeState}`, "the agent's state"],
    ],
    related: ["home-manager(1)", "nixos-auto-update(8)", "journalctl(1)"],
  },
};

/** The options of a command; none if the program does not have it. */
export const optionsOf = (program: Program, name: string): readonly Option[] =>
  usage[program].commands.find((command) => command.name === name)?.options ?? [];

/** An option as a person types it. */
export const optionWords = ({ name, value }: Option): string => (value === undefined ? name : `${name} ${value}`);

/** The text of --help. */
export function usageText(program: Program): string {
  const row = (indent: string, words: string, text: string) => `${indent}${words.padEnd(22 - indent.length)}${text}\n`;
  const rows = usage[program].commands.flatMap(({ name, args, text, options = [], service }) => [
    row("  ", args === undefined ? name : `${name} ${args}`, service === true ? `${text} (a service)` : text),
    ...(name === "run" ? options.map((option) => row("    ", optionWords(option), option.text)) : []),
  ]);
  return `usage: ${program} COMMAND\n${rows.join("")}`;
}
