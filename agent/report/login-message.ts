/** The message that the login shell prints: a file of a few lines, or an empty one. */
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { AgentState } from "../../rules/agent-state";
import { loginMessage } from "../../rules/text/login-message";
import type { Place } from "../driver";
import { log } from "../host/log";
import { readText, writeFileAtomic } from "../host/files";
import { readHold } from "../state";

/** The machine's file is where pam_motd also looks; a home's file is in its own state. */
const fileOf = ({ manager, stateFolder, service }: Place) =>
  manager === "system" ? `/run/motd.d/${service}` : join(stateFolder, "login-message");

export function writeLoginMessage(place: Place, state: AgentState): void {
  const file = fileOf(place);
  // Only who has sudo can end a machine's hold.
  const lines =
    place.manager === "system"
      ? loginMessage("machine", state)
      : loginMessage("home", state, readHold(place.stateFolder));
  const text = lines.map((line) => `${line}\n`).join("");
  if ((readText(file) ?? "") === text) return;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileAtomic(file, text);
  } catch {
    log(`could not write ${file}`);
  }
}
