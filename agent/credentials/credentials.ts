/**
 * The credential of a private repository: an SSH key or a token, in a file that only its owner can read. git gets the path of the file.
 * The file's content is in no argument, no environment and no URL.
 */
import { join } from "node:path";
import type { CredentialKind } from "../../rules/deploy-keys";
import type { GitAccess } from "../git/git";
import { remoteAccess } from "../git/git";
import { writeFileAtomic } from "../host/files";

/** `undefined` if the connection to the repository would carry a secret in clear text. */
export function credentialKind(url: string): CredentialKind | undefined {
  if (url.startsWith("https://")) return "token";
  if (url.startsWith("ssh://")) return "SSH private key";
  return url.includes("://") || url.startsWith("/") ? undefined : "SSH private key";
}

interface AccessOptions {
  protocols: string;
  url: string;
  /** The file with the repository's credential. */
  credential: string | undefined;
  /** Lines of ssh's known hosts; with them, no other host key is accepted. */
  knownHosts: string | undefined;
  /** The folder for files of this run. */
  runFolder: string;
}

/** How git may reach a repository, with the credential for it. */
export function accessFor({ protocols, url, credential, knownHosts, runFolder }: AccessOptions): GitAccess {
  const access = remoteAccess(protocols);
  const words = [access.ssh];
  if (knownHosts !== undefined && knownHosts !== "") {
    const file = join(runFolder, "known_hosts");
    writeFileAtomic(file, knownHosts, 0o600);
    words.push(`-o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=/dev/null -o UserKnownHostsFile=${file}`);
  }
  const sshWithoutKey = words.join(" ");
  if (credential === undefined) return { ...access, ssh: sshWithoutKey, sshWithoutKey };
  const ssh = `${sshWithoutKey} -o IdentitiesOnly=yes -i ${credential}`;
  return { ...access, ssh, sshWithoutKey, config: tokenConfig(url, credential) };
}

/**
 * Shell: prints `$token` as a name and a password for git. It is a token, or USER:TOKEN if the name matters, as for GitLab's deploy tokens.
 * GitHub's Apps want this name (docs.github.com, "Authenticating as a GitHub App installation"); elsewhere any name works.
 */
export const printToken = `user=x-access-token; case $token in *:*) user=\${token%%:*} ;; esac; printf 'username=%s\\npassword=%s\\n' "$user" "\${token#*:}"`;

/** Makes git show a token to that host alone. Other configured helpers are left out, since they would store the token. */
function tokenConfig(url: string, file: string): string[] {
  const host = /^https:\/\/(?:[^@/]*@)?([^/]+)/.exec(url)?.[1];
  if (host === undefined) return [];
  const helper = `!f() { [ "$1" = get ] || exit 0; read -r token <'${file}'; ${printToken}; }; f`;
  return ["-c", "credential.helper=", "-c", `credential.https://${host}.helper=${helper}`];
}
