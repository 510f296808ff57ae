/** Completion scripts for shells, from the commands' descriptions. They complete what is fixed: commands, options and their choices. */
import type { Command, Completion } from "./command";
import { summaries } from "./registry";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** The script for a shell to read, in lines. */
export function completionScript(shell: Shell, commands: readonly Command[]): string[] {
  return { bash, zsh, fish }[shell](commands);
}

interface Completed {
  flag: string;
  description: string;
  /** Undefined if the option takes no value. */
  value: { name: string; complete: Completion } | undefined;
}

function optionsOf(command: Command): Completed[] {
  const own = Object.entries(command.options).map(([name, { value, choices, complete, description }]) => ({
    flag: `--${name}`,
    description,
    value: value === undefined ? undefined : { name: value, complete: choices ?? complete ?? [] },
  }));
  return [...own, { flag: "--help", description: "show help", value: undefined }];
}

/** What the words after the command may be. */
function wordsOf({ positionals }: Command): Completion {
  return positionals?.verbs ?? positionals?.complete ?? [];
}

function bash(commands: readonly Command[]): string[] {
  const generate = (complete: Completion) =>
    complete === "file"
      ? 'mapfile -t COMPREPLY < <(compgen -f -- "$cur")'
      : complete === "directory"
        ? 'mapfile -t COMPREPLY < <(compgen -d -- "$cur")'
        : `mapfile -t COMPREPLY < <(compgen -W '${complete.join(" ")}' -- "$cur")`;
  const values = commands.flatMap((command) =>
    optionsOf(command).flatMap(({ flag, value }) =>
      value === undefined ? [] : [`    "${command.name} ${flag}") ${generate(value.complete)}; return ;;`],
    ),
  );
  return [
    "_fleet() {",
    "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]-}",
    "  COMPREPLY=()",
    "  if ((COMP_CWORD == 1)); then",
    `    ${generate([...commands.map(({ name }) => name), "help"])}`,
    "    return",
    "  fi",
    '  case "$command $prev" in',
    ...values,
    "  esac",
    '  case "$command $cur" in',
    ...commands.map((command) => {
      const flags = optionsOf(command).map(({ flag }) => flag);
      return `    "${command.name} -"*) ${generate(flags)} ;;`;
    }),
    ...commands.map((command) => `    "${command.name} "*) ${generate(wordsOf(command))} ;;`),
    "  esac",
    "}",
    "complete -o filenames -F _fleet fleet",
  ];
}

function zsh(commands: readonly Command[]): string[] {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const action = (complete: Completion) =>
    complete === "file" ? "_files" : complete === "directory" ? "_files -/" : `(${complete.join(" ")})`;
  const escaped = (text: string) => text.replace(/[[\]:\\]/g, "\\$&");
  return [
    "#compdef fleet",
    "_fleet() {",
    "  local -a commands=(",
    ...commands.map(({ name }) => `    ${quoted(`${name}:${summaries[name]}`)}`),
    "  )",
    "  if ((CURRENT == 2)); then _describe command commands; return; fi",
    "  shift words; ((CURRENT--))",
    "  case ${words[1]} in",
    ...commands.map((command) => {
      const flags = optionsOf(command).map(({ flag, description, value }) => {
        const what = value === undefined ? "" : `:${escaped(value.name)}:${action(value.complete)}`;
        return quoted(`*${flag}[${escaped(description)}]${what}`);
      });
      return `    ${command.name}) _arguments ${[...flags, quoted(`*:argument:${action(wordsOf(command))}`)].join(" ")} ;;`;
    }),
    "  esac",
    "}",
    'if [[ ${zsh_eval_context[-1]} == loadautofunc ]]; then _fleet "$@"; else compdef _fleet fleet; fi',
  ];
}

function fish(commands: readonly Command[]): string[] {
  const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const action = (complete: Completion) =>
    complete === "file"
      ? "-F"
      : complete === "directory"
        ? "-a '(__fish_complete_directories)'"
        : `-a ${quoted(complete.join(" "))}`;
  return [
    "complete -c fleet -f",
    ...commands.flatMap((command) => [
      `complete -c fleet -n __fish_use_subcommand -a ${command.name} -d ${quoted(summaries[command.name])}`,
      ...optionsOf(command).map(({ flag, description, value }) => {
        const what = value === undefined ? "" : ` -r ${action(value.complete)}`;
        return `complete -c fleet -n '__fish_seen_subcommand_from ${command.name}' -l ${flag.slice(2)} -d ${quoted(description)}${what}`;
      }),
      ...(wordsOf(command).length === 0
        ? []
        : [`complete -c fleet -n '__fish_seen_subcommand_from ${command.name}' ${action(wordsOf(command))}`]),
    ]),
  ];
}
