/** Which host keys Pulumi's command provider accepts. */

/**
 * Whether it accepts keys of a type. It asks for the signature that has the type's name; for `ssh-rsa` that is SHA-1, with which no current
 * sshd signs.
 */
export function isAccepted(type: string): boolean {
  return !/^(ssh-rsa|rsa-sha2-.*)$/.test(type);
}
