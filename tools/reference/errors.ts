/** docs/reference/errors.md: every kind of error, from its table. Pure. */
import { linked } from "./links";
import { errorKinds, type ErrorKind } from "../../rules/error-codes";

const HEAD = `# Errors

An error's message ends with the code of its kind, such as \`[NF301]\`. \`fleet explain NF301\` prints its entry. A code keeps its meaning in
all versions. A wrong use of a command (NF201, NF401) says in its own line what is right, without the code.
\`./scripts/docs\` writes this page from \`rules/error-codes.ts\`. [Recover](../recovery.md) lists states of a fleet instead of messages.
`;

const PARTS: readonly (readonly [prefix: string, heading: string])[] = [
  ["NF1", "The program: `pulumi preview` and `pulumi up`"],
  ["NF2", "The operator's tool: `fleet`"],
  ["NF3", "A wave's gate, in `pulumi up` and `fleet await`"],
  ["NF4", "The agents: `nixos-auto-update` and `nixos-hm-auto-update`"],
];

/** The page. */
export function errorsReference(): string {
  const all = Object.entries<ErrorKind>(errorKinds);
  const parts = PARTS.flatMap(([prefix, heading]) => [
    "",
    `## ${heading}`,
    ...all
      .filter(([code]) => code.startsWith(prefix))
      .flatMap(([code, { title, cause, cure }]) => [
        "",
        `### ${code}`,
        "",
        `**${title}.** ${linked(cause)}`,
        "",
        linked(cure),
      ]),
  ]);
  return [HEAD.trimEnd(), ...parts, ""].join("\n");
}
