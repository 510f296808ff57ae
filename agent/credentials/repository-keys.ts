/**
 * Keys and tokens for the inputs of a flake, given to Nix for one run. Nix lets git fetch private inputs, and git calls two small
 * scripts. They know which file belongs to which repository. The files' content is in no argument, no environment and no URL.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { byPrecision, kindOf, type KeyPlace } from "../../rules/deploy-keys";
import { printToken } from "./credentials";
import { configEnvironment } from "../git/git";
import { writeFileAtomic } from "../host/files";

/** What Nix may use for one run, in addition to what the machine has. */
export interface NixAccess {
  env?: Record<string, string>;
  options?: readonly string[];
  /** The folder of its cache, instead of its user's. */
  cache?: string;
}

export interface RepositoryKey {
  place: KeyPlace;
  file: string;
}

/** A text as one word of the shell. */
const word = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** A shell `case` that sets `file` by `$host/$path`; the most specific place comes first. */
function choice(keys: readonly RepositoryKey[]): string {
  const branches = byPrecision(keys.map(({ place, file }) => ({ ...place, file }))).map(({ host, path, file }) => {
    const exact = word(`${host}/${path}`);
    const patterns =
      path === "" ? `${exact}*` : [exact, word(`${host}/${path}.git`), `${word(`${host}/${path}/`)}*`].join("|");
    return `  ${patterns}) file=${word(file)} ;;`;
  });
  return ['case "$host/$path" in', ...branches, "esac"].join("\n");
}

/** git runs this instead of ssh, with options, the host, and the command, whose last word is the repository. */
const sshScript = (ssh: string, keys: readonly RepositoryKey[]) => `host= path= port= file=
for word; do
  [ "$host" != -p ] || port=:$path
  host=$path path=$word
done
host=$(printf %s "\${host#*@}" | tr A-Z a-z)$port
path=\${path#*\\'}
path=\${path%\\'}
path=\${path#/}
${choice(keys)}
[ -z "$file" ] || set -- -o IdentitiesOnly=yes -i "$file" "$@"
exec ${ssh} "$@"
`;

/** git asks this script for a name and a password. */
const credentialScript = (keys: readonly RepositoryKey[]) => `[ "$1" = get ] || exit 0
protocol= host= path= file=
while IFS='=' read -r name value; do
  case $name in protocol) protocol=$value ;; host) host=$value ;; path) path=$value ;; esac
done
[ "$protocol" = https ] || exit 0
${choice(keys)}
[ -n "$file" ] || exit 0
read -r token <"$file"
${printToken}
`;

/** nix.conf(5), `access-tokens`: for inputs such as `github:OWNER/REPO`, whose archives Nix downloads itself. */
function accessTokens(keys: readonly RepositoryKey[]): string {
  const tokens = keys.map(({ place: { host, path }, file }) => {
    const text = readFileSync(file, "utf8").trim();
    // Nix wants a kind before GitLab's tokens; any other name before the colon is for git alone.
    const token = /^(?:PAT|OAuth2):/.test(text) ? text : text.replace(/^[^:]*:/, "");
    return `${path === "" ? host : `${host}/${path}`}=${token}`;
  });
  return `extra-access-tokens = ${tokens.join(" ")}`;
}

/** git-config(1), `http.lowSpeedLimit`: git ends a transfer that brings less than a byte per second for two minutes. */
const STALLED = { GIT_HTTP_LOW_SPEED_LIMIT: "1", GIT_HTTP_LOW_SPEED_TIME: "120" };

/**
 * Gives Nix access by these keys.
 * @param ssh the command by which a server without a key of its own is reached
 */
export function accessByKeys(folder: string, ssh: string, keys: readonly RepositoryKey[]): NixAccess {
  const plain = { GIT_TERMINAL_PROMPT: "0", GIT_SSH_VARIANT: "ssh", ...STALLED };
  if (keys.length === 0) return { env: { ...plain, GIT_SSH_COMMAND: ssh } };
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const write = (name: string, text: string) => {
    writeFileAtomic(join(folder, name), text, 0o600);
    return join(folder, name);
  };
  const tokens = keys.filter(({ file }) => kindOf(readFileSync(file, "utf8")) === "token");
  const others = keys.filter((key) => !tokens.includes(key));
  const sshFile = write("ssh", sshScript(ssh, others));
  const config =
    tokens.length === 0
      ? []
      : ([
          ["credential.helper", ""],
          ["credential.helper", `!sh ${word(write("credential", credentialScript(tokens)))}`],
          ["credential.useHttpPath", "true"],
        ] as const);
  const nixConfig = tokens.length === 0 ? [] : [`include ${write("nix.conf", accessTokens(tokens))}`];
  return {
    env: {
      ...plain,
      GIT_SSH_COMMAND: `sh ${word(sshFile)}`,
      ...configEnvironment(config),
      ...(nixConfig.length === 0 ? {} : { NIX_CONFIG: [process.env["NIX_CONFIG"] ?? "", ...nixConfig].join("\n") }),
    },
  };
}
