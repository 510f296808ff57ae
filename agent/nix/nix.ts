/** Nix: evaluate first, then build that derivation, so that it is certain which stage failed. */
import {
  buildFailure,
  evaluationFailure,
  failureLines,
  isNetworkFailure,
  lockLacksInputs,
} from "../../rules/decision/failure";
import { UpdateFailure } from "../driver";
import type { NixAccess } from "../credentials/repository-keys";
import { remove, resolved } from "../host/files";
import { lastLine, log } from "../host/log";
import { type Finished, run, succeeded } from "../host/process";
import { runNix } from "./nix-cache";
import { secondsFrom } from "../host/time";

export const FEATURES = ["--extra-experimental-features", "nix-command flakes"];
const buildTimeout = () => secondsFrom("NIXOS_AUTO_UPDATE_BUILD_TIMEOUT", 7200);
const GRACE = 30_000;
const LOCK_FIRST = "error: flake.lock does not match the inputs of flake.nix; run `nix flake lock`, commit and push";

/** Builds an attribute of a flake. The link protects the result from garbage collection. @throws UpdateFailure */
export async function build(installable: string, link: string, access: NixAccess = {}): Promise<string> {
  const derivation = await evaluate(`${installable}.drvPath`, access);
  const finished = await realise(derivation, link);
  const path = resolved(link);
  if (succeeded(finished) && path !== undefined) return path;
  throw failure(buildFailure({ ...finished, text: finished.output }), finished, "the build");
}

/** The store path that an attribute of a flake has when it is built. @throws UpdateFailure */
export function outputPath(installable: string, access: NixAccess): Promise<string> {
  return evaluate(`${installable}.outPath`, access);
}

/**
 * The lock alone says what the inputs are: an input that it does not have makes the evaluation fail. With --no-write-lock-file as well, Nix
 * only warns, and takes whatever the input's repository has.
 */
export function evaluationArguments(installable: string, options: readonly string[] = []): string[] {
  return [...FEATURES, "eval", "--raw", "--no-update-lock-file", ...options, "--", installable];
}

/** A store path that an attribute of a flake names. @throws UpdateFailure */
async function evaluate(installable: string, access: NixAccess): Promise<string> {
  const limits = { timeout: buildTimeout(), grace: GRACE };
  const finished = await runNix(evaluationArguments(installable, access.options), access, limits);
  const path = finished.stdout.trim();
  if (finished.stderr !== "") process.stderr.write(finished.stderr);
  if (succeeded(finished) && path.startsWith("/")) return path;
  const ended = lockLacksInputs(finished.stderr)
    ? { ...finished, stderr: `${finished.stderr}\n${LOCK_FIRST}` }
    : finished;
  throw failure(evaluationFailure({ ...finished, text: finished.stderr }), ended, "the evaluation");
}

function failure(cause: UpdateFailure["cause"], finished: Finished, what: string): UpdateFailure {
  const { status, limit } = finished;
  const lines = failureLines(finished.stderr);
  // The last line is the reason, and the same in each try, so that repeated failures are recognised.
  const limits = {
    timeout: `error: ${what} did not end within ${Math.round(buildTimeout() / 1000)} s`,
    silence: `error: ${what} hung`,
    stuck: `error: ${what} could not be stopped`,
  };
  const killed = `${what} was killed; most likely the machine has too little memory`;
  const reason =
    limit !== undefined
      ? [lines, limits[limit]]
      : status === undefined
        ? [killed, lines]
        : [lines === "" ? `${what} ended with status ${status}` : lines];
  const text = reason.filter((line) => line !== "").join("\n");
  return new UpdateFailure("build", text, cause, cause === "revision");
}

/** Builds or fetches a store path and protects it by a link. */
async function realise(path: string, link: string): Promise<Finished> {
  // nix replaces only its own links.
  remove(link);
  return run("nix-store", ["--realise", path, "--add-root", link], {
    timeout: buildTimeout(),
    grace: GRACE,
    tee: true,
  });
}

/** Why a store path is not available. `unknown`: a server did not answer, which says nothing about the path. */
interface Unavailable {
  why: string;
  unknown: boolean;
}

/** Fetches a store path from substituters. @returns why it is not available, if it is not */
export async function substitute(path: string, link: string, access: NixAccess): Promise<Unavailable | undefined> {
  remove(link);
  const finished = await run("nix-store", ["--realise", path, "--add-root", link, ...(access.options ?? [])], {
    timeout: buildTimeout(),
    grace: GRACE,
  });
  if (succeeded(finished)) return undefined;
  const lines = finished.stderr.split("\n").filter((line) => line.trim() !== "");
  // Nix prints the reason as a warning, and its final error says only that the fetch failed.
  const why = lines.findLast((line) => /^(?:warning|error):/.test(line) && !line.startsWith("error: build of '"));
  return { why: why ?? lines.at(-1) ?? "no answer", unknown: isNetworkFailure(finished.stderr) };
}

/** How the closures of two store paths differ, for people. */
export async function closureDifference(from: string, to: string): Promise<string> {
  const args = ["--extra-experimental-features", "nix-command", "store", "diff-closures", from, to];
  return (await run("nix", args, { timeout: 300_000 })).stdout.trimEnd();
}

/** Frees at least this many bytes of the store, if there is that much garbage. */
export async function collectGarbage(bytes: number): Promise<void> {
  const finished = await run("nix-store", ["--gc", "--max-freed", String(bytes)], { timeout: 1_800_000, grace: GRACE });
  if (!succeeded(finished)) log(`collecting garbage failed: ${lastLine(finished.stderr)}`);
}
