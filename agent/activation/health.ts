/** How an activation is checked: its units, the configuration's own checks, and what was reachable before and is not reachable now. */
import { join } from "node:path";
import { isObject } from "../../rules/text/json";
import { badUnits, loopingStates, mayRestart, type UnitState } from "../../rules/decision/health";
import { entries, readText, readObject } from "../host/files";
import { log, oneLine } from "../host/log";
import { lastLines, run } from "../host/process";
import { type ListedUnit, listUnits, type Manager, showUnits, unitJournal } from "../host/systemd";
import { secondsFrom, sleep } from "../host/time";

const PROPERTIES = ["Id", "ActiveState", "SubState", "NRestarts", "Type", "TriggeredBy", "SourcePath"];

/** Mounts and the like, which may come from /etc/fstab and have no file in a configuration. */
const FROM_FSTAB = /\.(?:mount|automount|swap)$/;

/**
 * The units that may be bad: of the loaded ones those that may be part of a configuration, and have failed or may be restarting. systemd
 * describes each unit separately, which takes it milliseconds; for all units that is more time than the rest of the check. `undefined` if it
 * does not answer.
 */
async function unitStates(manager: Manager, folders: readonly string[]): Promise<UnitState[] | undefined> {
  const listed = await listUnits(manager, ["--all"]);
  if (listed === undefined) return undefined;
  const suspects = listed
    .filter((unit) =>
      isInTrouble(unit) ? FROM_FSTAB.test(unit.id) || isPartOf(folders, unit.id) : restartsByItself(folders, unit.id),
    )
    .map(({ id }) => id);
  const shown = await showUnits(manager, suspects, PROPERTIES);
  if (shown.length < suspects.length) return undefined;
  return shown.flatMap((unit) =>
    unit["Id"] === undefined
      ? []
      : [
          {
            id: unit["Id"],
            activeState: unit["ActiveState"] ?? "",
            subState: unit["SubState"] ?? "",
            restarts: Number(unit["NRestarts"] ?? 0) || 0,
            type: unit["Type"] ?? "",
            triggeredBy: (unit["TriggeredBy"] ?? "").split(" ").filter((name) => name !== ""),
            source: unit["SourcePath"] ?? "",
          },
        ],
  );
}

/** The same, asked again for a limited time. */
async function unitStatesAgain(manager: Manager, folders: readonly string[]): Promise<UnitState[] | undefined> {
  let states: UnitState[] | undefined;
  await answersAgain(async () => (states = await unitStates(manager, folders)) !== undefined, 2000);
  return states;
}

interface UnitCheck {
  manager: Manager;
  /** Units that were failed before the switch. */
  failedBefore: readonly string[];
  /** Folders with the unit files of the old and of the new configuration. */
  folders: readonly string[];
  settings: Record<string, unknown>;
}

/** Why units show that the switch failed; `undefined` if they do not. */
export async function unitsError({ manager, failedBefore, folders, settings }: UnitCheck): Promise<string | undefined> {
  const first = await unitStatesAgain(manager, folders);
  await sleep(settleTime(settings));
  const last = first && (await unitStatesAgain(manager, folders));
  if (first === undefined || last === undefined)
    return `systemd${manager === "user" ? " of this user" : ""} does not answer`;
  const [older = "", newer = ""] = folders;
  const filesIn = (folder: string, { id }: UnitState) =>
    fileNames(id)
      .map((name) => unitText(folder, name))
      .join("\0");
  const bad = badUnits({
    before: failedBefore,
    first,
    last,
    belongs: ({ id, source }) => source === "/etc/fstab" || isPartOf(folders, id),
    changed: (unit) => filesIn(older, unit) !== filesIn(newer, unit),
    ignored: stringsOf(settings["healthIgnoreUnits"]),
  });
  if (bad.length === 0) return undefined;
  const failed = bad.filter(({ problem }) => problem === "failed").map(({ id }) => id);
  const loops = bad.filter(({ problem }) => problem !== "failed").map(({ id }) => id);
  const said = await Promise.all(bad.map(({ id }) => unitJournal(manager, id, 5)));
  return [
    ...(failed.length > 0 ? [`units failed that had not before: ${failed.join(", ")}`] : []),
    ...(loops.length > 0 ? [`units restart in a loop: ${loops.join(", ")}`] : []),
    ...said.map((text) => text.trimEnd()),
  ].join("\n");
}

/** Milliseconds in which units may fail. */
function settleTime(settings: Record<string, unknown>): number {
  const seconds = typeof settings["healthSettle"] === "number" ? settings["healthSettle"] : 10;
  return secondsFrom("NIXOS_AUTO_UPDATE_SETTLE", seconds);
}

const stringsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((entry) => typeof entry === "string") : [];

/** Whether one of the configurations has a file for the unit. */
const isPartOf = (folders: readonly string[], id: string): boolean =>
  folders.some((folder) => fileNames(id).some((name) => unitText(folder, name) !== ""));

const isInTrouble = ({ activeState, subState }: ListedUnit): boolean =>
  activeState === "failed" || loopingStates.includes(subState);

/** Whether one of the configurations has the service, and may have systemd restart it. */
const restartsByItself = (folders: readonly string[], id: string): boolean =>
  id.endsWith(".service") &&
  folders
    .filter((folder) => isPartOf([folder], id))
    .some((folder) => {
      const own = fileNames(id).map((name) => ownText(folder, name));
      const dropIns = [...fileNames(id), ...groupNames(id)].map((name) => dropInText(folder, name));
      return mayRestart(own.join("\n").trim(), dropIns.join("\n"));
    });

/** The files that say what a unit does: its own, and its template's. */
const fileNames = (id: string): string[] => [id, templateOf(id)].filter((name) => name !== undefined);

/** Names whose drop-ins are for several services, systemd.unit(5): `a-b.service` has those of `a-.service`, and each has those of `service`. */
const groupNames = (id: string): string[] => [
  ...[...id.matchAll(/-/g)].map(({ index }) => `${id.slice(0, index + 1)}.service`),
  "service",
];

/** The template that a unit is an instance of. */
function templateOf(id: string): string | undefined {
  const parts = /^([^@]+@).+(\.[a-z]+)$/.exec(id);
  return parts === null ? undefined : `${parts[1] ?? ""}${parts[2] ?? ""}`;
}

/** A unit's file with its drop-ins; empty if the configuration has no such unit. */
const unitText = (folder: string, name: string): string => ownText(folder, name) + dropInText(folder, name);

const ownText = (folder: string, name: string): string => readText(join(folder, name)) ?? "";

function dropInText(folder: string, name: string): string {
  const drop = join(folder, `${name}.d`);
  return (entries(drop) ?? []).map((file) => readText(join(drop, file)) ?? "").join("\n");
}

/** The units that are failed now, or restart in a loop; `undefined` if the manager does not answer. */
export async function failedUnits(manager: Manager): Promise<string[] | undefined> {
  const listed = await listUnits(manager, [`--state=${["failed", ...loopingStates].join(",")}`]);
  return listed?.map(({ id }) => id);
}

/** Runs the checks of the new configuration. @returns why one failed */
export async function checksError(settingsFile: string): Promise<string | undefined> {
  const checks = readObject(settingsFile)?.["healthChecks"];
  if (!isObject(checks)) return undefined;
  for (const [name, check] of Object.entries(checks)) {
    if (!isObject(check) || typeof check["command"] !== "string") continue;
    const seconds = typeof check["timeout"] === "number" ? check["timeout"] : 30;
    const error = await checkError(oneLine(name), check["command"], seconds);
    if (error !== undefined) return error;
  }
  return undefined;
}

async function checkError(name: string, command: string, seconds: number): Promise<string | undefined> {
  log(`health check ${name}`);
  const finished = await run("bash", ["-c", command], { timeout: seconds * 1000 });
  if (finished.limit === undefined && finished.status === 0) return undefined;
  const how =
    finished.limit === undefined
      ? `failed with status ${finished.status ?? finished.signal ?? "none"}`
      : `did not end within ${seconds} s`;
  return `health check ${name} ${how}\n${lastLines(finished.output, 10)}`.trimEnd();
}

/**
 * Whether something answers within a time limit. The limit is needed because a switch may restart the network.
 * @param pause milliseconds until it is asked again
 */
export async function answersAgain(ask: () => Promise<boolean>, pause: number): Promise<boolean> {
  const end = Date.now() + secondsFrom("NIXOS_AUTO_UPDATE_REACH", 60);
  while (!(await ask())) {
    const left = end - Date.now();
    if (left <= 0) return false;
    await sleep(Math.min(pause, left));
  }
  return true;
}
