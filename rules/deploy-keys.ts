/** Which key or token is presented to a repository: the key for its host, or for the start of its URL. */

/** What a repository's secret has to contain. */
export type CredentialKind = "token" | "SSH private key";

/** The only place where a key or token is presented. */
export interface KeyPlace {
  /** Absent if the secret's own text says what it is. */
  kind?: CredentialKind;
  /** In lower case, with its port if one is named. */
  host: string;
  /** Path of a repository or of a folder of repositories, without slashes at its ends; empty for the whole host. */
  path: string;
}

const bare = /^(?<host>[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?)(?<path>\/\S*)?$/;
const url = /^(?<scheme>https|ssh):\/\/(?:[^@/\s:]+@)?(?<host>[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?)(?<path>\/\S*)?$/;
/** The key as git takes it for a repository that is reached by SSH. */
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

/** How ssh-keyscan and known_hosts name the server of a repository that is reached by SSH; undefined if it is reached in another way. */
export function sshServer(repository: string): { keyscan: string; knownHosts: string } | undefined {
  const place = parseKeyPlace(repository);
  if (place?.kind !== "SSH private key") return undefined;
  const [host = "", port] = place.host.split(":");
  return port === undefined
    ? { keyscan: host, knownHosts: host }
    : { keyscan: `-p ${port} ${host}`, knownHosts: `[${host}]:${port}` };
}

/** The kind of a secret's text. */
export function kindOf(text: string): CredentialKind | undefined {
  if (text.startsWith("-----BEGIN ")) return "SSH private key";
  return /^\S+\n?$/.test(text) ? "token" : undefined;
}

/** The places in order of precedence: the most specific one first. */
export function byPrecision<P extends Pick<KeyPlace, "path">>(places: readonly P[]): P[] {
  return [...places].sort((one, other) => other.path.length - one.path.length);
}
