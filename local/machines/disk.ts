/**
 * A machine's disk: a directory whose files are laid over the image, which all machines share. It contains `upper` and `work` (overlayfs' folders),
 * `root` (where the container's file system is assembled, visible to the container alone), `image` (a link to the image that this disk was
 * made from, because a disk keeps its image when the recipe changes) and `serial.log`.
 */
import { randomUUID } from "node:crypto";
import { lstatSync } from "node:fs";
import { mkdir, open, readFile, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import type { MachineSpec, Trusted } from "./driver";
import { gitName, metadataAddress } from "./network";

/** Bytes of serial output that a machine's console shows: as much as Compute keeps. */
const serialBytes = 1024 * 1024;

/** Makes a disk, or reuses an existing one. In both cases it gets the given name and addresses. */
export async function makeDisk(directory: string, image: string, spec: MachineSpec, trusted?: Trusted): Promise<void> {
  const etc = path.join(directory, "upper", "etc");
  for (const each of [etc, path.join(directory, "work"), path.join(directory, "root")]) {
    await mkdir(each, { recursive: true, mode: 0o755 });
  }
  if (!exists(path.join(directory, "image"))) await symlink(image, path.join(directory, "image"));
  if (!exists(path.join(etc, "machine-id"))) {
    await writeFile(path.join(etc, "machine-id"), randomUUID().replaceAll("-", "") + "\n", { mode: 0o444 });
  }
  await writeFile(path.join(etc, "hostname"), `${shortName(spec)}\n`);
  await writeFile(path.join(etc, "hosts"), hosts(spec, trusted?.names ?? []));
  if (trusted === undefined) return;
  await mkdir(path.join(etc, "ssl/certs"), { recursive: true, mode: 0o755 });
  const authorities = "etc/ssl/certs/ca-certificates.crt";
  const known = await readFile(path.join(image, authorities), "utf8");
  await writeFile(path.join(directory, "upper", authorities), `${known}${trusted.cert}`);
}

/** Removes a disk. Does nothing if there is none. */
export async function removeDisk(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
}

/** The name for the kernel: a full name can exceed its limit. */
export function shortName(spec: MachineSpec): string {
  return spec.hostname.split(".")[0] ?? spec.name;
}

function hosts(spec: MachineSpec, names: readonly string[]): string {
  return [
    "127.0.0.1 localhost",
    "::1 localhost",
    `${spec.address} ${spec.hostname} ${shortName(spec)}`,
    `${metadataAddress} metadata.google.internal metadata`,
    [spec.gateway, gitName, ...names].join(" "),
    "",
  ].join("\n");
}

/** The file that receives a machine's serial output. */
export function serialFile(directory: string): string {
  return path.join(directory, "serial.log");
}

/** The end of a machine's output on its serial console since its last start. */
export async function readSerial(directory: string): Promise<string> {
  const file = await open(serialFile(directory)).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  });
  if (file === undefined) return "";
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - serialBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Whether a path exists, even as a broken link. */
function exists(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}
