import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Writes the settings of stack `dev` into a folder, and a `pulumi` that has selected this stack and reads them: secrets only if it is asked
 * for them. It writes each call into the file `asked`.
 */
export function writeStackFile(
  directory: string,
  settings: Readonly<Record<string, string>>,
  secret: readonly string[] = [],
): void {
  const lines = Object.entries(settings).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`);
  writeFileSync(join(directory, "Pulumi.dev.yaml"), ["config:", ...lines, ""].join("\n"));
  const entries = (shown: boolean) =>
    JSON.stringify(
      Object.fromEntries(
        Object.entries(settings).map(([key, value]) => [
          key,
          { secret: secret.includes(key), ...(shown || !secret.includes(key) ? { value } : {}) },
        ]),
      ),
    );
  writeFileSync(join(directory, "plain.json"), entries(false));
  writeFileSync(join(directory, "shown.json"), entries(true));
  const pulumi = `#!/bin/sh
echo "$*" >>"${directory}/asked"
case "$*" in stack*) echo dev ;; *--show-secrets*) cat "${directory}/shown.json" ;; *) cat "${directory}/plain.json" ;; esac
`;
  writeFileSync(join(directory, "pulumi"), pulumi);
  chmodSync(join(directory, "pulumi"), 0o755);
}
