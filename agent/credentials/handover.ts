/**
 * The credentials of homes' repositories. A user cannot reach the metadata server, so root fetches them and hands them over. Each user
 * has a folder that only root writes. It holds the credential, which only that user can read, or the reason why there is no credential.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { contract } from "../../rules/contract";
import type { HomeEntry } from "../../rules/decision/decide-system";
import { entries, readText, remove, writeFileAtomic } from "../host/files";
import { log } from "../host/log";
import type { MetadataServer } from "../metadata-server";
import { credentialKind } from "./credentials";
import { accountOf } from "../home/users";
import { fetchOwnSecret, isHeld } from "./secrets";

/** Within this many milliseconds, a user's failures make root ask Secret Manager at most this often. */
const MOST = 10;
const PERIOD = 3_600_000;

type KeyedHome = HomeEntry & { repository: string; deployKeySecret: string };

const isKeyed = (home: HomeEntry): home is KeyedHome =>
  home.repository !== undefined && home.deployKeySecret !== undefined;

/** Hands over to all users who are there. A user who should no longer have a credential loses it. */
export async function handOverAll(
  metadata: MetadataServer,
  homes: readonly HomeEntry[],
  root = contract.paths.homeCredentials,
): Promise<void> {
  const keyed = homes.filter(isKeyed);
  for (const name of entries(root) ?? []) if (!keyed.some(({ user }) => user === name)) remove(join(root, name));
  for (const home of keyed) {
    const folder = join(root, home.user);
    const file = join(folder, "credential");
    if (!isHeld({ secret: home.deployKeySecret, place: home.repository, file })) await handOver(metadata, home, folder);
  }
}

/**
 * Hands over to one user after the user's repository refused: there may be another credential by now.
 * @returns whether there was
 */
export async function refreshCredential(
  metadata: MetadataServer,
  home: HomeEntry | undefined,
  root = contract.paths.homeCredentials,
): Promise<boolean> {
  if (home === undefined || !isKeyed(home)) return false;
  const folder = join(root, home.user);
  if (!mayAsk(folder, Date.now()) || !(await handOver(metadata, home, folder))) return false;
  log(`home of ${home.user}: handed over the key or token of its repository`);
  return true;
}

/** Records a query. @returns whether it is within the limit */
function mayAsk(folder: string, now: number): boolean {
  const file = join(folder, "asked");
  const times = (readText(file) ?? "").split("\n").map(Number);
  const recent = times.filter((time) => time > now - PERIOD && time <= now);
  if (recent.length >= MOST) return false;
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  writeFileAtomic(file, [...recent, now].join("\n"), 0o600);
  return true;
}

/** @returns whether the user has another credential now */
async function handOver(
  metadata: MetadataServer,
  { user, repository, deployKeySecret }: KeyedHome,
  folder: string,
): Promise<boolean> {
  const account = await accountOf(user);
  if (account === undefined) return false;
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  try {
    const file = join(folder, "credential");
    const changed = await fetchOwnSecret(metadata, {
      ...{ secret: deployKeySecret, place: repository, kind: credentialKind(repository) },
      ...{ file, owner: account },
    });
    remove(join(folder, "error"));
    return changed;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log(`home of ${user}: ${why}`);
    writeFileAtomic(join(folder, "error"), why);
    return false;
  }
}
