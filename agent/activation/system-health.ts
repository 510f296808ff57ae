/** How a system is checked after its switch: its units, its checks, and what was reachable before the switch. */
import { join } from "node:path";
import { answersAgain, checksError, failedUnits, unitsError } from "./health";
import { type HealthError, UpdateFailure } from "../driver";
import type { MetadataServer } from "../metadata-server";
import { answers, type Origin } from "../git/mirror";
import { awaitsBoot } from "./reboot";
import type { Reachable } from "../../rules/agent-state";
import type { Before, Trial } from "../state";
import { readObject } from "../host/files";

const UNITS = "etc/systemd/system";

export class SystemHealth {
  constructor(
    private readonly metadata: MetadataServer,
    private readonly origin: () => Promise<Origin>,
  ) {}

  /** @throws UpdateFailure if systemd does not say which units are failed: all of them would seem to be the new system's fault */
  async before(): Promise<Before> {
    const [failed, metadata, repository] = await Promise.all([
      failedUnits("system"),
      this.reachesMetadata(),
      this.reachesRepository(),
    ]);
    if (failed === undefined) throw new UpdateFailure("switch", "systemd does not answer", "busy");
    return { failed, reached: { "metadata server": metadata, repository } };
  }

  /** Why what runs now is unhealthy; `undefined` if it is healthy. @param boot the present one */
  async error(trial: Trial, settingsPath: string, boot: string): Promise<HealthError | undefined> {
    const { path, former, before } = trial;
    const settingsFile = join(path, settingsPath);
    const units = await unitsError({
      manager: "system",
      failedBefore: before.failed ?? [],
      folders: [join(former, UNITS), join(path, UNITS)],
      settings: healthSettings(readObject(settingsFile) ?? {}, awaitsBoot(path)),
    });
    const error = units ?? (await checksError(settingsFile));
    if (error !== undefined) return { error };
    const lost = await this.lost(trial, boot);
    return lost && { error: `the ${lost} could be reached before and cannot any more`, lost };
  }

  /**
   * What answered just before the switch and does not answer after it. After a boot that switch may be days ago, and a repository may be away
   * for reasons of its own. The metadata server is part of the machine's host, so it shows whether the system has a network.
   */
  private async lost({ before: { reached }, ...trial }: Trial, boot: string): Promise<Reachable | undefined> {
    const judged: Reachable[] = trial.boot === boot ? ["metadata server", "repository"] : ["metadata server"];
    for (const what of judged) if (reached[what] === true && !(await this.reachesAgain(what))) return what;
    return undefined;
  }

  async reachesAgain(what: Reachable): Promise<boolean> {
    if (what === "metadata server") return answersAgain(() => this.reachesMetadata(), 2000);
    // The whole fleet may ask one server.
    return answersAgain(() => this.reachesRepository(), 10_000 + Math.random() * 5000);
  }

  private async reachesMetadata(): Promise<boolean> {
    try {
      await this.metadata.request("instance/id");
      return true;
    } catch {
      return false;
    }
  }

  private async reachesRepository(): Promise<boolean> {
    return answers(await this.origin());
  }
}

/** The settings for a health check. Before the boot, units that need the new kernel do not count. */
function healthSettings(settings: Record<string, unknown>, beforeBoot: boolean): Record<string, unknown> {
  const lists = [settings["healthIgnoreUnits"], beforeBoot ? settings["healthAfterReboot"] : []];
  return { ...settings, healthIgnoreUnits: lists.flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : [])) };
}
