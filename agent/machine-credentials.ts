/** What the machine's repository asks for: a key or token out of Secret Manager, in a file of root's. */
import { join } from "node:path";
import { accessFor } from "./credentials";
import { readText } from "./files";
import { log } from "./log";
import type { MetadataServer } from "./metadata-server";
import type { Origin } from "./mirror";
import { fetchSecret } from "./secrets";

const PROTOCOLS = "http:https:ssh:git";

export class MachineCredentials {
  /** Why there is none, where there should be one. */
  problem: string | undefined;

  constructor(
    private readonly runFolder: string,
    private readonly metadata: MetadataServer,
  ) {}

  async origin(settings: { repository: string; branch: string } & Record<string, unknown>): Promise<Origin> {
    const options = {
      protocols: PROTOCOLS,
      url: settings.repository,
      knownHosts: text(settings["knownHosts"]),
      runFolder: this.runFolder,
    };
    const secret = text(settings["deployKeySecret"]);
    const credential = secret === undefined ? undefined : await this.credential(secret, options.url);
    const access = () => accessFor({ ...options, credential });
    return {
      url: options.url,
      branch: settings.branch,
      access: access(),
      renew: async () => {
        if (credential === undefined || secret === undefined) return undefined;
        return (await this.renewCredential(secret, options.url, credential)) ? access() : undefined;
      },
    };
  }

  /** The machine's own lies in a file of root's that a reboot forgets. Where Secret Manager does not answer, the one of before has to do. */
  private async credential(secret: string, url: string): Promise<string | undefined> {
    const file = join(this.runFolder, "credential");
    if (readText(file) !== undefined) return file;
    try {
      await fetchSecret(this.metadata, { secret, url, file });
      return file;
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
      log(this.problem);
      return undefined;
    }
  }

  /** After a refusal: whether there is another one by now. */
  private async renewCredential(secret: string, url: string, file: string): Promise<boolean> {
    try {
      if (!(await fetchSecret(this.metadata, { secret, url, file }))) return false;
      log("what the repository asks for was rotated; using the new one");
      return true;
    } catch (error) {
      log(error instanceof Error ? error.message : String(error));
      return false;
    }
  }
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
