/** The credentials of the machine's repository and of its flake's inputs: keys and tokens from Secret Manager, in root's files. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseKeyPlace } from "../../rules/deploy-keys";
import { isObject } from "../../rules/text/json";
import { accessFor, credentialKind } from "./credentials";
import { readText } from "../host/files";
import { sha256 } from "../host/digest";
import { log } from "../host/log";
import type { MetadataServer } from "../metadata-server";
import type { Origin } from "../git/mirror";
import type { RepositoryKey } from "./repository-keys";
import { fetchOwnSecret, fetchSecret, isHeld } from "./secrets";

const PROTOCOLS = "http:https:ssh:git";

export class MachineCredentials {
  /** Why there is no credential although there should be one. */
  problem: string | undefined;

  constructor(
    private readonly runFolder: string,
    private readonly metadata: MetadataServer,
  ) {}

  private get file(): string {
    return join(this.runFolder, "credential");
  }

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
        return (await this.renewCredential(secret, options.url)) ? access() : undefined;
      },
    };
  }

  /** The machine's own credential is in a file of root's that a reboot deletes. Secret Manager is not asked again for what is in it. */
  private async credential(secret: string, url: string): Promise<string | undefined> {
    if (isHeld({ secret, place: url, file: this.file })) return this.file;
    try {
      await this.fetch(secret, url);
      return this.file;
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
      log(this.problem);
      return undefined;
    }
  }

  /** @returns whether there is another credential now */
  private fetch(secret: string, url: string): Promise<boolean> {
    return fetchOwnSecret(this.metadata, { secret, place: url, kind: credentialKind(url), file: this.file });
  }

  /** After a refusal: whether there is another credential by now. */
  private async renewCredential(secret: string, url: string): Promise<boolean> {
    try {
      if (!(await this.fetch(secret, url))) return false;
      log("the repository's key or token was rotated; using the new one");
      return true;
    } catch (error) {
      log(error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  /**
   * The credentials of the flake's inputs, as `deployKeys` of the settings name them, and then the repository's own credential, which
   * other repositories on its host may accept too. They are fetched at each build, because they may have been rotated.
   */
  async repositoryKeys(settings: { repository: string } & Record<string, unknown>): Promise<RepositoryKey[]> {
    const { repository, deployKeys } = settings;
    const folder = join(this.runFolder, "deploy-keys");
    const keys: RepositoryKey[] = [];
    for (const [place, secret] of Object.entries(isObject(deployKeys) ? deployKeys : {})) {
      if (typeof secret !== "string") continue;
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const key = await this.inputKey(place, secret, join(folder, await sha256(secret)));
      if (key !== undefined) keys.push(key);
    }
    const own = parseKeyPlace(repository);
    const secret = text(settings["deployKeySecret"]);
    if (own !== undefined && secret !== undefined && isHeld({ secret, place: repository, file: this.file }))
      keys.push({ place: { ...own, path: "" }, file: this.file });
    return keys;
  }

  private async inputKey(name: string, secret: string, file: string): Promise<RepositoryKey | undefined> {
    const place = parseKeyPlace(name);
    if (place === undefined) {
      log(`deployKeys: "${name}" must be a host or an ssh or https URL; its key is not used`);
      return undefined;
    }
    try {
      await fetchSecret(this.metadata, { secret, place: name, kind: place.kind ?? "any", file });
    } catch (error) {
      log(error instanceof Error ? error.message : String(error));
      if (readText(file) === undefined) return undefined;
    }
    return { place, file };
  }
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
