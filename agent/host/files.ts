/** Files that are complete or absent. Anything may be in the way: someone's folder, or what a killed run left behind. */
import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { type JsonObject, parseObject } from "../../rules/text/json";

/** Replaces a file. A reader gets the old text or the new one. `before` prepares the new file. @throws if it cannot be written */
export function writeFileAtomic(file: string, text: string, mode = 0o644, before?: (path: string) => void): void {
  writeBeside(file, text, mode, false);
  before?.(`${file}.new`);
  renameSync(`${file}.new`, file);
}

/** The same, and also after a power cut the file has the old text or the new one. @throws if it cannot be written */
export function writeFileFsync(file: string, text: string, mode = 0o644): void {
  writeBeside(file, text, mode, true);
  renameSync(`${file}.new`, file);
  syncFolder(dirname(file));
}

function writeBeside(file: string, text: string, mode: number, sync: boolean): void {
  for (const path of [`${file}.new`, file]) if (isFolder(path)) rmSync(path, { recursive: true });
  rmSync(`${file}.new`, { force: true });
  const fd = openSync(`${file}.new`, "wx", mode);
  try {
    writeFileSync(fd, text.endsWith("\n") ? text : `${text}\n`);
    if (sync) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Whether a path itself, not what it links to, is a folder. */
function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** A file's JSON object; `undefined` if it holds none. */
export function readObject(file: string): JsonObject | undefined {
  return parseObject(readText(file) ?? "");
}

/** A file's text without its last newline; `undefined` if it is empty or cannot be read. */
export function readText(file: string): string | undefined {
  try {
    const text = readFileSync(file, "utf8").replace(/\n$/, "");
    return text === "" ? undefined : text;
  } catch {
    return undefined;
  }
}

export function exists(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** Whether a name is taken, even by a broken link. */
export function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** Where a path leads, through all links; `undefined` if it leads nowhere. */
export function resolved(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

export function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** The names in a folder; `undefined` if it cannot be read. */
export function entries(folder: string): string[] | undefined {
  try {
    return readdirSync(folder);
  } catch {
    return undefined;
  }
}

export function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

export function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o755 });
}

/** Whether an error comes from the file system: no space, read-only, and the like. */
export function isErrno(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && "syscall" in error;
}
