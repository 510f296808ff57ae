/** Requests for an update. The requester writes a file and starts the service; its run deletes the file and reports the requester. */
import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { type Requester, requester, type Trigger } from "../rules/decision/run-right";
import { entries, isThere, readText, writeFileAtomic } from "./host/files";
import { oneLine } from "./host/log";
import { type Manager, systemctl, systemdRun } from "./host/systemd";
import { sleep } from "./host/time";

/** What `--trigger` may say. */
export const triggers = ["boot", "schedule", "watch", "ssh", "manual"] as const satisfies Trigger[];

export interface Request {
  trigger: Trigger;
  by: string;
}

const folderIn = (runFolder: string) => join(runFolder, "asked");

/** @returns the request's file, which a run deletes when it takes the request */
export function writeRequest(runFolder: string, { trigger, by }: Request): string {
  const folder = folderIn(runFolder);
  mkdirSync(folder, { recursive: true });
  const name = crypto.randomUUID();
  const temporary = join(runFolder, `asking.${name}`);
  writeFileAtomic(temporary, `${trigger} ${oneLine(by)}`);
  renameSync(temporary, join(folder, name));
  return join(folder, name);
}

export function pendingRequests(runFolder: string): string[] {
  const folder = folderIn(runFolder);
  return (entries(folder) ?? []).map((name) => join(folder, name));
}

/** Who asks with these files. */
export function readRequests(files: readonly string[]): Requester[] {
  return files.map((file) => {
    const [word = "", ...rest] = oneLine(readText(file) ?? "")
      .trim()
      .split(/ +/);
    return requester(triggers.find((known) => known === word) ?? "manual", rest.join(" "));
  });
}

/** Starts the service until a run has taken the request, because a run that was about to end may not have seen it. */
export async function startUntilTaken(service: string, file: string, waits: number): Promise<boolean> {
  for (let attempt = 1; attempt <= 5 && isThere(file); attempt++)
    if (!(await systemctl("system", ["start", `${service}.service`], waits)) && isThere(file))
      await sleep(attempt * 1000);
  return !isThere(file);
}

const START_UNTIL_TAKEN = `
for pause in 1 2 3 4 5; do
  [ -e "$request" ] || exit 0
  "$@" || [ ! -e "$request" ] || sleep "$pause"
done`;

/** The same in a unit of its own, for a command that does not wait: a run that builds takes the request when it has ended. */
export async function startInBackground(manager: Manager, service: string, file: string): Promise<void> {
  const start = ["systemctl", ...(manager === "user" ? ["--user"] : []), "start", `${service}.service`];
  const options = [
    "--description=Start a requested update",
    `--property=SyslogIdentifier=${service}`,
    ...[`--setenv=PATH=${process.env["PATH"] ?? ""}`, `--setenv=request=${file}`],
  ];
  if (await systemdRun(manager, options, ["sh", "-c", START_UNTIL_TAKEN, "start", ...start])) return;
  await systemctl(manager, ["start", "--no-block", `${service}.service`]);
}
