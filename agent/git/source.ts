/** From a decision to a store path: fetches, verifies, and gets a prebuilt path or builds it. */
import { join } from "node:path";
import { short } from "../../rules/contract";
import { mayBeOnNoBranch, type Target } from "../../rules/decision/decision";
import { diskProblem } from "../../rules/decision/failure";
import {
  type CommonDecision,
  type CommonSettings,
  type Driver,
  type Place,
  type RunRequest,
  type Situation,
  UpdateFailure,
} from "../driver";
import { GitError } from "./git";
import { log, oneLine } from "../host/log";
import { branchHead, type Origin } from "./mirror";
import { withNixAccess } from "../nix/nix-access";
import { verify } from "./verify";
import { freeSpace, makeRoom, makeRoomToFetch, shortage, spaceSettings, STORE, type Writer } from "../nix/space";
import { realisePrebuilt } from "../nix/prebuilt";
import { build, outputPath } from "../nix/nix";

/** http(s), ssh and git, and nothing that git could take for an option or a helper's name. */
function isRepositoryUrl(url: string): boolean {
  return (
    /^(?:https?|ssh|git):\/\/\S+$/.test(url) ||
    (/^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:\S+$/.test(url) && !url.startsWith("-"))
  );
}

/** @throws UpdateFailure */
async function openOrigin<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  decision: D,
): Promise<Origin> {
  const origin = await driver.origin(decision);
  const { url } = origin;
  if (url === "") throw new UpdateFailure("fetch", "no repository is set", "absent");
  if (!isRepositoryUrl(url) && !url.startsWith("/"))
    throw new UpdateFailure("verify", `repository: "${oneLine(url)}" must be an http(s), ssh or git URL`, "absent");
  return origin;
}

/** A failed fetch, with the likely reason for the repository's refusal. */
function fetchFailure(origin: Origin, error: unknown, credentialError: string | undefined): unknown {
  if (!(error instanceof GitError)) return error;
  const more = credentialError === undefined ? "" : ` (${credentialError})`;
  const problem = error.reason === "space" ? diskProblem(error.message) : undefined;
  const what = problem === undefined ? "" : `the disk is ${problem}: `;
  return new UpdateFailure("fetch", `${what}cannot fetch from ${origin.url}: ${error.message}${more}`, error.reason);
}

/** The present head of the branch in the repository. @throws UpdateFailure */
export async function findHead<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  decision: D,
): Promise<string> {
  const origin = await openOrigin(driver, decision);
  try {
    return await branchHead(origin);
  } catch (error) {
    if (error instanceof GitError && error.reason === "absent")
      throw new UpdateFailure("fetch", `${origin.url} has no branch ${origin.branch}`, "absent");
    throw fetchFailure(origin, error, driver.credentialError());
  }
}

/** Whether the deployed revision descends from another. @throws UpdateFailure if git cannot determine it */
export async function findDescent<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  decision: D,
  revision: string,
  deployed: string,
): Promise<boolean> {
  await fetchMissing(driver, decision, revision, false);
  await fetchMissing(driver, decision, deployed, true);
  try {
    return await driver.place.mirror.descends(revision, deployed);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    throw new UpdateFailure(
      "fetch",
      `git cannot compare ${short(revision)} with ${short(deployed)}: ${error.message}`,
      "unknown",
    );
  }
}

/** Fetches a revision unless the mirror says that it has it. The fetch repairs a mirror that cannot say so. @throws UpdateFailure */
async function fetchMissing<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  decision: D,
  revision: string,
  anywhere: boolean,
): Promise<void> {
  const { mirror } = driver.place;
  try {
    if (await mirror.has(revision)) return;
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
  }
  const origin = await openOrigin(driver, decision);
  try {
    await mirror.fetch(origin, revision, { anywhere });
  } catch (error) {
    throw fetchFailure(origin, error, driver.credentialError());
  }
}

/** @returns the digest of the revision's flake.lock. @throws UpdateFailure */
export async function fetchAndVerify<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  request: RunRequest,
  decision: D,
  { state }: Situation,
  target: Target,
): Promise<string> {
  const { place } = driver;
  const { revision, explicit, lock } = target;
  const anywhere = mayBeOnNoBranch(target, state);
  const origin = await openOrigin(driver, decision);
  begin(request, "fetching", revision);
  try {
    const fetch = () => place.mirror.fetch(origin, revision, { anywhere });
    await (request.dry ? fetch() : fetchWithRoom(place, decision.settings, fetch));
  } catch (error) {
    throw fetchFailure(origin, error, driver.credentialError());
  }
  begin(request, "verifying", revision);
  const { signers, subdirectory } = decision.settings;
  return verify({
    mirror: place.mirror,
    revision,
    subdirectory,
    explicit,
    lock,
    deployed: state.revision,
    signers,
    runFolder: place.runFolder,
  });
}

/** Frees space on a full disk first, and again if that was not enough. @throws GitError */
async function fetchWithRoom(place: Place, settings: CommonSettings, fetch: () => Promise<void>): Promise<void> {
  await makeRoomToFetch(place, spaceSettings(settings));
  try {
    await fetch();
  } catch (error) {
    if (!(error instanceof GitError) || diskProblem(error.message) !== "full") throw error;
    log("the disk is full: collecting garbage");
    await freeSpace(place, spaceSettings(settings));
    await fetch();
  }
}

function begin({ stage }: RunRequest, name: string, revision: string): void {
  stage(name, revision);
  log(`→ ${name} ${short(revision)}`);
}

/** The link that keeps a built store path from garbage collection. A dry run has its own, because an update may wait for its time. */
export function buildLink({ stateFolder }: Place, { dry }: Pick<RunRequest, "dry"> = { dry: false }): string {
  return join(stateFolder, dry ? "checked" : "built");
}

/** A dry run deletes nothing. @throws UpdateFailure if there is too little space and none can be freed */
async function requireRoom(
  place: Place,
  { dry }: Pick<RunRequest, "dry">,
  settings: CommonSettings,
  writer: Writer,
): Promise<void> {
  const space = spaceSettings(settings);
  const noRoom = dry ? shortage(space, STORE, writer) : await makeRoom(place, space, STORE, writer);
  if (noRoom !== undefined) throw new UpdateFailure("build", noRoom, "space");
}

/** The store path of a revision: from the approval's manifest, or else built here. @throws UpdateFailure */
export async function realise<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  request: RunRequest,
  decision: D,
  target: Target,
): Promise<string> {
  const { place } = driver;
  const { revision } = target;
  begin(request, "building", revision);
  const link = buildLink(place, request);
  const { subdirectory, signers } = decision.settings;
  const installable = place.mirror.installable(revision, driver.attribute(decision), subdirectory);
  if (target.manifest !== undefined) {
    await requireRoom(place, request, decision.settings, "root");
    // What no one signed may not decide which system a signed commit has.
    const ofCommit = () => withNixAccess(driver, decision, (access) => outputPath(installable, access));
    const signed = signers !== undefined && signers !== "";
    const path = await realisePrebuilt(decision.settings, target.manifest, link, place, signed ? ofCommit : undefined);
    if (path !== undefined) return path;
  }
  await requireRoom(place, request, decision.settings, "others");
  return withNixAccess(driver, decision, (access) => build(installable, link, access));
}
