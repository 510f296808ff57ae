/** How a system is checked after its switch: its units, its checks, and what was reachable before the switch. */
import { join } from "node:path";
import { answersAgain, checksError, failedUnits, unitsError } from "./health";
import type { MetadataServer } from "../metadata-server";
import { answers, type Origin } from "../git/mirror";
import { awaitsBoot } from "./reboot";
import type { Before, Trial } from "../state";
import { healthSettings } from "../system/deferrals";
import { readObject } from "../host/files";

const UNITS = "etc/systemd/system";

export class SystemHealth {
  constructor(
    private readonly metadata: MetadataServer,
    private readonly origin: () => Promise<Origin>,
  ) {}

  async before(): Promise<Before> {
    const [failed, metadata, repository] = await Promise.all([
      failedUnits("system"),
      this.reachesMetadata(),
      this.reachesRepository(),
    ]);
    return { failed, reached: { "metadata server": metadata, repository } };
  }

  /** Why what runs now is unhealthy; `undefined` if it is healthy. */
  async error({ path, former, before }: Trial, settingsPath: string): Promise<string | undefined> {
    const settingsFile = join(path, settingsPath);
    const units = await unitsError({
      manager: "system",
      failedBefore: before.failed,
      folders: [join(former, UNITS), join(path, UNITS)],
      settings: healthSettings(readObject(settingsFile) ?? {}, awaitsBoot(path)),
    });
    return units ?? (await checksError(settingsFile)) ?? (await this.lost(before));
  }

  /** What answered just before the switch must answer after it. */
  private async lost({ reached }: Before): Promise<string | undefined> {
    const metadata = reached["metadata server"] === true;
    const error = metadata ? await answersAgain("metadata server", () => this.reachesMetadata()) : undefined;
    if (error !== undefined || reached["repository"] !== true) return error;
    return answersAgain("repository", () => this.reachesRepository());
  }

  private async reachesMetadata(): Promise<boolean> {
    try {
      return (await this.metadata.request("instance/id")).status === 200;
    } catch {
      return false;
    }
  }

  private async reachesRepository(): Promise<boolean> {
    return answers(await this.origin());
  }
}
