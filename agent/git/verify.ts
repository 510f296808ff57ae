/** What must be true of a commit before anything in it is evaluated. If git fails or does not answer, the commit is refused too. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { short } from "../../rules/contract";
import { diskProblem } from "../../rules/decision/failure";
import { UpdateFailure } from "../driver";
import { readText, remove, writeFileAtomic } from "../host/files";
import { git, GitError, gitErrorText } from "./git";
import type { Mirror } from "./mirror";
import { run, succeeded } from "../host/process";

export interface VerifyOptions {
  mirror: Mirror;
  revision: string;
  /** The folder of the flake; undefined for the repository's top. */
  subdirectory?: string | undefined;
  /** Whether it may be anywhere in the history. */
  explicit: boolean;
  /** The digest that its flake.lock must have. */
  lock: string | undefined;
  deployed: string | undefined;
  /** Lines as in ssh-keygen's allowed signers file, armoured OpenPGP keys, or both. */
  signers: string | undefined;
  runFolder: string;
}

const failed = (message: string) => new UpdateFailure("verify", message, "revision");

/** @returns the digest of the commit's flake.lock. @throws UpdateFailure */
export async function verify(options: VerifyOptions): Promise<string> {
  try {
    const digest = await verifyLock(options);
    await verifyDescent(options);
    await verifySignatures(options);
    return digest;
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    throw new UpdateFailure(
      "verify",
      `git cannot tell whether ${short(options.revision)} may be deployed: ${error.message}`,
      error.reason === "space" ? "space" : "unknown",
    );
  }
}

async function verifyLock({ mirror, revision, subdirectory, lock }: VerifyOptions): Promise<string> {
  const digest = await mirror.lockDigest(revision, subdirectory);
  if (lock !== undefined && lock !== "" && digest !== lock)
    throw failed(`flake.lock at ${short(revision)} has digest ${digest || "none"}, approved is ${lock}`);
  return digest;
}

async function verifyDescent({ mirror, revision, explicit, deployed }: VerifyOptions): Promise<void> {
  if (explicit || deployed === undefined || (await mirror.descends(deployed, revision))) return;
  throw failed(`${short(revision)} does not descend from ${short(deployed)}, which is deployed, and is not approved`);
}

/** A signer must have signed this revision and every commit that comes with it and was not deployed yet. */
async function verifySignatures({ mirror, revision, deployed, signers, runFolder }: VerifyOptions): Promise<void> {
  if (signers === undefined || signers === "") return;
  const folder = await keepSigners(signers, join(runFolder, "signers"));
  const known = deployed !== undefined && (await mirror.has(deployed));
  const commits = new Set([revision, ...(known ? await mirror.commitsBetween(deployed, revision) : [])]);
  for (const commit of commits) {
    const problem = await signatureError(mirror, commit, folder);
    if (problem !== undefined)
      throw failed(`${short(commit)} carries no good signature of a signer\n${problem || "it is not signed"}`);
  }
}

/**
 * git itself verifies against these signers only: not against root's keyring or root's configuration, and not by X.509, whose gpgsm accepts
 * each certificate of an authority that the machine trusts.
 */
async function signatureError(mirror: Mirror, commit: string, folder: string): Promise<string | undefined> {
  const options = [
    ...["-c", `gpg.ssh.allowedSignersFile=${join(folder, "allowed")}`, "-c", "gpg.minTrustLevel=undefined"],
    ...["-c", "gpg.program=gpg", "-c", "gpg.ssh.program=ssh-keygen", "-c", "gpg.x509.program=false"],
  ];
  const finished = await git([...options, `--git-dir=${mirror.path}`, "verify-commit", commit], {
    env: { GNUPGHOME: join(folder, "gnupg") },
  });
  if (succeeded(finished)) return undefined;
  // git did not come to an answer: it writes the signature into a file, which a full /tmp prevents, or it was ended.
  if (diskProblem(finished.output) !== undefined) throw new GitError("space", gitErrorText(finished));
  if (finished.status === undefined || finished.status > 128) throw new GitError("unknown", gitErrorText(finished));
  return finished.output.trim();
}

/** Writes the signers for the two tools that read them, if they are not written yet. @returns the folder. @throws UpdateFailure */
async function keepSigners(text: string, folder: string): Promise<string> {
  const written = join(folder, "text");
  if (readText(written) === text.replace(/\n$/, "")) return folder;
  remove(folder);
  mkdirSync(join(folder, "gnupg"), { recursive: true, mode: 0o700 });
  const blocks = /^-----BEGIN PGP[\s\S]*?^-----END PGP[^\n]*$/gm;
  writeFileAtomic(join(folder, "allowed"), text.replace(blocks, ""));
  const keys = text.match(blocks)?.join("\n") ?? "";
  if (keys.includes("-----BEGIN PGP PUBLIC KEY BLOCK-----")) {
    const imported = await run("gpg", ["--batch", "--quiet", "--import"], {
      input: `${keys}\n`,
      env: { GNUPGHOME: join(folder, "gnupg") },
      timeout: 60_000,
    });
    if (!succeeded(imported)) throw failed("signers: cannot be read");
  }
  writeFileAtomic(written, text);
  return folder;
}
