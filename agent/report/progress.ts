/** The current stage of an update, for `status`: a file that everyone may read. It is deleted when the run ends. */
import { join } from "node:path";
import { exists, remove, writeFileAtomic, readObject } from "../host/files";
import { now } from "../host/time";

export interface ProgressNow {
  /** The run's stage: deciding, fetching, verifying, building, switching. */
  stage: string;
  /** RFC 3339, UTC. */
  since: string;
  started: string;
  by: string;
  trigger: string;
  pid: number;
  revision?: string;
}

const fileIn = (runFolder: string) => join(runFolder, "progress.json");

export class Progress {
  private readonly about: Pick<ProgressNow, "started" | "by" | "trigger" | "pid">;

  constructor(
    private readonly runFolder: string,
    { by, trigger }: { by: string; trigger: string },
  ) {
    this.about = { started: now(), by, trigger, pid: process.pid };
  }

  at(stage: string, revision?: string): void {
    const text = { ...this.about, stage, since: now(), ...(revision === undefined ? {} : { revision }) };
    try {
      writeFileAtomic(fileIn(this.runFolder), JSON.stringify(text));
    } catch {
      // Only people who run `status` need it.
    }
  }

  end(): void {
    remove(fileIn(this.runFolder));
  }
}

/** The current stage of an update; `undefined` if none runs. */
export function readProgress(runFolder: string): ProgressNow | undefined {
  const item = readObject(fileIn(runFolder));
  if (item === undefined || typeof item["pid"] !== "number" || !exists(`/proc/${item["pid"]}`)) return undefined;
  return item as unknown as ProgressNow;
}
