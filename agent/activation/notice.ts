/** Tells people at terminals what happens to the machine. `wall` and `shutdown` reach only sessions that logind knows. */
import { contract } from "../../rules/contract";
import { systemdRun } from "../host/systemd";

/** No terminal may delay this: its user may have stopped its output. */
const script = `for terminal in "$2"/[0-9]*; do
  [ "$(stat -c %u "$terminal")" -lt 1000 ] ||
    timeout 2 sh -c 'printf "\\r\\n%s\\r\\n" "$1" >"$2"' tell "$1" "$terminal"
done`;

/**
 * Writes a line to each terminal of a person, such as those in an editor that works here by ssh, or in tmux. In a unit of its own, because
 * the service that reboots may not write to what is another user's.
 */
export async function tellTerminals(line: string, folder = "/dev/pts"): Promise<void> {
  const options = [
    `--property=SyslogIdentifier=${contract.units.system}`,
    "--property=RuntimeMaxSec=60",
    `--setenv=PATH=${process.env["PATH"] ?? ""}`,
  ];
  await systemdRun("system", options, ["sh", "-c", script, "tell", line, folder]);
}
