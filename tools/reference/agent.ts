/** The agents' manual pages and shell completions, all of them made from agent/commands/usage.ts. `scripts/docs` writes them. */
import type { Program } from "../../agent/host/log";
import { type Command, type Option, optionWords, usage } from "../../agent/commands/usage";

/** The folder that holds them, laid out as /share of a package. */
export const referenceFolder = "agent/share";

const MADE = "Made by ./scripts/docs from agent/commands/usage.ts.";

/** The files' texts, by their paths below `referenceFolder`. */
export function agentReference(): Record<string, string> {
  const files = (Object.keys(usage) as Program[]).map((program) => ({
    [`man/man${usage[program].section}/${program}.${usage[program].section}`]: manualPage(program),
    [`bash-completion/completions/${program}`]: bashCompletion(program),
    [`zsh/site-functions/_${program}`]: zshCompletion(program),
    [`fish/vendor_completions.d/${program}.fish`]: fishCompletion(program),
  }));
  return Object.assign({}, ...files) as Record<string, string>;
}

/** A text as a line of roff. */
const roff = (text: string) =>
  text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("…", "...")
    .replace(/^([.'])/, "\\&$1");

function manualPage(program: Program): string {
  const { section, summary, description, commands, files, related } = usage[program];
  const entry = (term: string, text: string) => [".TP", `.B ${roff(term)}`, roff(text)];
  const command = ({ name, args, text, options = [] }: Command) => [
    ...entry(args === undefined ? name : `${name} ${args}`, `${text}.`),
    ...(options.length === 0
      ? []
      : [".RS", ...options.flatMap((one) => entry(optionWords(one), `${one.text}.`)), ".RE"]),
  ];
  const lines = [
    `.\\" ${MADE}`,
    `.TH ${program.toUpperCase()} ${section} "" "nixos-fleet"`,
    ".SH NAME",
    `${roff(program)} \\- ${roff(summary)}`,
    ".SH SYNOPSIS",
    `.B ${roff(program)}`,
    ".I COMMAND",
    ".SH DESCRIPTION",
    ...description.flatMap((paragraph) => [".PP", roff(paragraph)]),
    ".SH COMMANDS",
    ...commands.filter(({ service }) => service !== true).flatMap(command),
    ...(commands.some(({ service }) => service) ? [".SH COMMANDS OF SERVICES"] : []),
    ...commands.filter(({ service }) => service).flatMap(command),
    ".SH EXIT STATUS",
    "0 where all is well, 1 where an update or the command failed, 2 for wrong use.",
    ".SH FILES",
    ...files.flatMap(([path, text]) => entry(path, `${text}.`)),
    ".SH SEE ALSO",
    related.map(roff).join(",\n"),
  ];
  return `${lines.join("\n")}\n`;
}

const forPeople = (program: Program) => usage[program].commands.filter(({ service }) => service !== true);
const withOptions = (program: Program) => forPeople(program).filter(({ options }) => options !== undefined);

/** A text within single quotes of a POSIX shell. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

function bashCompletion(program: Program): string {
  const name = `_${program.replaceAll("-", "_")}`;
  const after = ({ name: option, value, values = [] }: Option) =>
    value === undefined ? [] : [`          ${option}) choices='${values.join(" ")}' ;;`];
  const options = ({ name: command, options = [] }: Command) => [
    `      ${command})`,
    "        case $before in",
    ...options.flatMap(after),
    `          *) choices='${options.map((option) => option.name).join(" ")}' ;;`,
    "        esac",
    "        ;;",
  ];
  const lines = [
    `# ${MADE}`,
    `${name}() {`,
    "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} choices=",
    "  if ((COMP_CWORD == 1)); then",
    `    choices='${forPeople(program)
      .map((command) => command.name)
      .join(" ")}'`,
    "  else",
    "    case ${COMP_WORDS[1]} in",
    ...withOptions(program).flatMap(options),
    "    esac",
    "  fi",
    '  mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")',
    "}",
    `complete -F ${name} ${program}`,
  ];
  return `${lines.join("\n")}\n`;
}

function zshCompletion(program: Program): string {
  const described = ({ name, text }: Command) => `  ${quoted(`${name}:${text.replaceAll(":", "\\:")}`)}`;
  const argument = ({ name, value, values, text }: Option) => {
    const about = `${name}[${text.replaceAll(/[[\]:]/g, "\\$&")}]`;
    return quoted(
      value === undefined ? about : `${about}:${value}:${values === undefined ? "" : `(${values.join(" ")})`}`,
    );
  };
  const lines = [
    `#compdef ${program}`,
    `# ${MADE}`,
    "local -a commands=(",
    ...forPeople(program).map(described),
    ")",
    "if ((CURRENT == 2)); then",
    "  _describe command commands",
    "  return",
    "fi",
    "shift words",
    "((CURRENT--))",
    "case $words[1] in",
    ...withOptions(program).map(
      ({ name, options = [] }) => `  ${name}) _arguments ${options.map(argument).join(" ")} ;;`,
    ),
    "esac",
  ];
  return `${lines.join("\n")}\n`;
}

function fishCompletion(program: Program): string {
  const escaped = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const option = (command: string, { name, value, values = [], text }: Option) =>
    `complete -c ${program} -n '__fish_seen_subcommand_from ${command}' -l ${name.slice(2)}` +
    `${value === undefined ? "" : ` -x -a '${values.join(" ")}'`} -d ${escaped(text)}`;
  const lines = [
    `# ${MADE}`,
    `complete -c ${program} -f`,
    ...forPeople(program).map(
      ({ name, text }) => `complete -c ${program} -n __fish_use_subcommand -a ${name} -d ${escaped(text)}`,
    ),
    ...withOptions(program).flatMap(({ name, options = [] }) => options.map((one) => option(name, one))),
  ];
  return `${lines.join("\n")}\n`;
}
