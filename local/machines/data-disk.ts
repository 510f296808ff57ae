/** The content of data disks and snapshots: a directory for each, by its path in the API. Boot disks belong to the machines (disk.ts). */
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { run } from "./command";

/** A data disk as a machine sees it. */
export interface DataDisk {
  /** The device name by which it is attached. */
  device: string;
  /** The directory with its content; absent until a machine has booted with it. */
  directory: string;
}

export class DiskContents {
  /** @param directory made when there is content to store */
  constructor(private readonly directory: string) {}

  /** Where the content of a disk or snapshot is, even if there is none yet. */
  directoryOf(resource: string): string {
    return path.join(this.directory, encodeURIComponent(resource));
  }

  /** Copies the content of one disk to another that is empty. If the first was never written to, the other stays blank too. */
  async copy(from: string, to: string): Promise<void> {
    const [source, target] = [this.directoryOf(from), this.directoryOf(to)];
    if (!existsSync(source) || existsSync(target)) return;
    const partial = `${target}.partial`;
    await rm(partial, { recursive: true, force: true });
    await run(["cp", "--archive", "--reflink=auto", source, partial]);
    await rename(partial, target);
  }

  async remove(resource: string): Promise<void> {
    if (existsSync(this.directory)) await rm(this.directoryOf(resource), { recursive: true, force: true });
  }
}

/** Makes the directory of a blank disk. */
export async function prepareDataDisk({ directory }: DataDisk): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
}
