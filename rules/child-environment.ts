/** The environment of the programs that the Pulumi program and the operator's tool start. Pure. */

/** The stack's decrypted settings, which Pulumi gives its program, and what opens a stack. */
const PULUMI_ALONE = [
  "PULUMI_CONFIG",
  "PULUMI_CONFIG_SECRET_KEYS",
  "PULUMI_CONFIG_PASSPHRASE",
  "PULUMI_CONFIG_PASSPHRASE_FILE",
  "PULUMI_ACCESS_TOKEN",
];

/** What a program gets of an environment: git, ssh and Nix start credential helpers, hooks and builders, and only Pulumi reads these. */
export function childEnvironment(program: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (program === "pulumi") return env;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !PULUMI_ALONE.includes(name)));
}
