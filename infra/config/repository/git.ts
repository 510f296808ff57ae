/**
 * Shapes of the values that git and Nix get, on the operator's machine and on every VM. None may look like an option or contain a secret.
 */
import * as z from "zod";
import { shapes } from "../../../rules/shapes";
import { holdsSecret } from "../../../rules/text/credentials";

const published = (url: string) => !holdsSecret(url);
const WHERE =
  "must not hold a user name, password or token, which metadata and reports would show; the place for it: pulumi config set --secret nixos-fleet:deployKey (a home's: nixos-fleet:homeDeployKeys)";

/** A repository URL for the VMs' clone. */
export const repository = z
  .string()
  .regex(shapes.repository, "must be an http(s), ssh or git URL: the VMs clone it from there")
  .refine(published, WHERE);

/** A repository as the operator's machine reads it: a URL or a path. */
export const operatorRepository = z
  .string()
  .min(1)
  .regex(/^[^-]/, "must be a URL or a path, not an option")
  .refine(
    published,
    "must not hold a user name, password or token, which errors would show; git's credential helper is the place for it",
  );

/** git's rules for a branch (git-check-ref-format); they also forbid a refspec's `:` and a pattern's `*`. */
export const branch = z
  .string('must be the name of one branch, such as main; Pulumi hands over "true" and "false" as no text')
  .refine(isBranch, 'must be the name of one branch, such as main: no space, "..", or any of ~ ^ : ? * [ \\');

function isBranch(name: string): boolean {
  const forbidden = /[\0-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\.$|^@$|^-|^\/|\/$/;
  return name !== "" && !forbidden.test(name) && name.split("/").every((part) => !/^\.|\.lock$/.test(part));
}

/** A folder of the repository, relative to its top. */
export const subdirectory = z
  .string()
  .regex(
    /^[A-Za-z0-9_][\w.+-]*(\/[A-Za-z0-9_][\w.+-]*)*$/,
    "must be a folder of the repository, such as nixos or infra/nixos: plain names, no / at an end",
  );

/** The name of a flake's output, such as `dev-alice` or `alice@dev-alice`; agents quote it unchanged. */
export const attribute = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_@.+-]*$/, "must be a flake attribute: letters, digits, or any of _ @ . + -");

/** Folders that may not contain the clone: people write there, or a reboot or an update clears them. */
const NOT_FOR_CLONES = /^\/(home|root|nix|tmp|run|proc|sys|dev|boot|var\/tmp)(\/|$)/;

/** The folder of the clone that every VM keeps for people to read; root writes it. */
export const directory = z
  .string()
  .regex(/^(\/[A-Za-z0-9_@.+-]+)+$/, "must be an absolute path of plain names, such as /etc/nixos")
  .refine((path) => !path.split("/").some((part) => part === "." || part === ".."), 'must not have "." or ".." in it')
  .refine(
    (path) => !NOT_FOR_CLONES.test(path),
    "must not be in /home, /root, /nix, /tmp, /var/tmp, /run, /boot or a file system of the kernel's: root writes the clone, for people to read",
  );

const SSH_SIGNER = /^[^\s#-]\S* (\S+ )*(ssh|ecdsa|sk-ssh|sk-ecdsa)-\S+ AAAA[A-Za-z0-9+/]+={0,3}( .*)?$/;
const PGP_KEY = /^-----BEGIN PGP PUBLIC KEY BLOCK-----\n[\s\S]*\n-----END PGP PUBLIC KEY BLOCK-----\s*$/;

/** Whose commits are accepted: a line of ssh-keygen's allowed signers file, or an armoured OpenPGP key. */
export const signer = z
  .string()
  .refine(
    (text) => SSH_SIGNER.test(text) || PGP_KEY.test(text),
    "must be a line of an allowed signers file (ADDRESS ssh-ed25519 AAAA…) or an armoured OpenPGP public key",
  );
