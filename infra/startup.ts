/**
 * The startup script: what makes a fresh NixOS VM a member of the fleet. It carries the update agent's own files, so that the
 * first boot and every later update are one code path, and it holds no secret and nothing of a particular VM.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import contract from "../contract.json";

/** Compute's limit for one metadata value (cloud.google.com/compute/docs/metadata/setting-custom-metadata). */
const MAX_BYTES = 256 * 1024;

/** File name → text of all that the agent consists of. */
export function agentFiles(): Record<string, string> {
  const root = resolve(__dirname, "..");
  const agent = join(root, "nix/agent");
  const files = readdirSync(agent).filter((name) => /\.(bash|jq)$/.test(name));
  return {
    ...Object.fromEntries(files.sort().map((name) => [name, readFileSync(join(agent, name), "utf8")])),
    "contract.json": readFileSync(join(root, "contract.json"), "utf8"),
  };
}

/** Where the agent's files lie until the first system that brings its own. */
const AGENT = "/run/nixos-fleet/agent";

/** A here-document's end that no line of the agent is. */
const END = "END-OF-NIXOS-FLEET-FILE";

/**
 * The script, for root's `/bin/sh` with next to nothing in PATH. NixOS runs it at every boot, and again at switches: once the
 * machine is set up it ends at its first test. The work itself is a unit of its own that no switch stops.
 * @throws when the script would be larger than Compute takes.
 */
export function renderStartupScript(files: Record<string, string>): string {
  const { paths, units } = contract;
  const writes = Object.entries(files).map(([name, text]) => {
    if (text.split("\n").includes(END)) throw new Error(`${name}: has the line ${END}, which ends a file`);
    return `cat >"$agent/${name}" <<'${END}'\n${text.replace(/\n?$/, "\n")}${END}\n`;
  });
  const script = `#!/bin/sh
# Makes this VM a member of its fleet: see the unit ${units.bootstrap} and its journal.
set -eu
[ ! -e ${paths.state}/bootstrapped ] || exit 0

PATH=/run/current-system/sw/bin:\${PATH:-/usr/sbin:/usr/bin:/sbin:/bin}
export PATH
if systemctl is-active --quiet ${units.bootstrap}.service; then
  echo "${units.bootstrap} runs already"
  exit 0
fi

# Users read these as well: a home's first update is its user's.
umask 022
agent=${AGENT}
mkdir -p "$agent"
${writes.join("\n")}
# A unit of its own, which no switch stops, and which is tried again for as long as it fails.
systemd-run --quiet --collect --unit=${units.bootstrap} --property=SyslogIdentifier=${units.system} \\
  --property=Restart=on-failure --property=RestartSec=10 --property=StartLimitIntervalSec=0 \\
  --setenv=HOME=/root --setenv=PATH="$PATH" --setenv=NIXOS_FLEET_AGENT="$agent" \\
  "$(command -v bash)" "$agent/${units.system}.bash" bootstrap
echo "${units.bootstrap} started"
`;
  const bytes = Buffer.byteLength(script);
  if (bytes > MAX_BYTES) throw new Error(`the startup script has ${bytes} bytes; Compute takes ${MAX_BYTES}`);
  return script;
}
