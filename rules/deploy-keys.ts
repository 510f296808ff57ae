/** Which key or token a repository is shown: named by a host, or by the start of a URL. */

/** What a repository's secret has to hold. */
export type CredentialKind = "token" | "SSH private key";

/** Where a key or token is shown, and nowhere else. */
export interface KeyPlace {
  /** Absent where the secret's own text says what it is. */
  kind?: CredentialKind;
  /** In small letters, with its port where one is named. */
  host: string;
  /** Path of a repository or of a folder of them, without slashes at its ends; empty for the whole host. */
  path: string;
}

const bare = /^(?<host>[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?)(?<path>\/\S*)?$/;
const url = /^(?<scheme>https|ssh):\/\/(?:[^@/\s:]+@)?(?<host>[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?)(?<path>\/\S*)?$/;
/** As git takes it for a repository that is reached by SSH. */
const scp = /^[\w.-]+@(?<host>[A-Za-z0-9][A-Za-z0-9.-]*):(?<path>\S+)$/;

/** The place that a text names: `HOST`, `HOST/PATH`, `https://HOST/PATH`, `ssh://USER@HOST/PATH` or `USER@HOST:PATH`. */
export function parseKeyPlace(text: string): KeyPlace | undefined {
  const groups = (scp.exec(text) ?? url.exec(text) ?? bare.exec(text))?.groups;
  if (groups === undefined) return undefined;
  const { scheme, host = "", path = "" } = groups;
  const kind = scp.test(text) || scheme === "ssh" ? "SSH private key" : scheme === "https" ? "token" : undefined;
  return {
    ...(kind === undefined ? {} : { kind }),
    host: host.toLowerCase(),
    path: path.replace(/^\/+|\/+$/g, "").replace(/\.git$/, ""),
  };
}

/** What a secret's text is. */
export function kindOf(text: string): CredentialKind | undefined {
  if (text.startsWith("-----BEGIN ")) return "SSH private key";
  return /^\S+\n?$/.test(text) ? "token" : undefined;
}

/** The places in the order in which they count: the one that names most first. */
export function byPrecision<P extends Pick<KeyPlace, "path">>(places: readonly P[]): P[] {
  return [...places].sort((one, other) => other.path.length - one.path.length);
}
