/** The home's driver: homeConfigurations.<attribute>, Home Manager's profile, activate. */
import { join } from "node:path";
import { contract } from "../../rules/contract";
import { decideHome, type HomeDecision, type HomesFile, type HomeSettings } from "../../rules/decision/decide-home";
import { parseKeyPlace } from "../../rules/deploy-keys";
import { locksMatch } from "../../rules/lock/lock-matches";
import { builtAs, flakeFile } from "../../rules/decision/flake-place";
import type { Conclusion, Driver, Found, HealthError, RolledBack, RunRequest, Situation, Switched } from "../driver";
import { exists, isThere, makeFolder, readText, remove, resolved, writeFileAtomic, readObject } from "../host/files";
import { GitError } from "../git/git";
import { activateHome, backupSuffix } from "../activation/home-activation";
import { managerObstacle } from "../activation/user-manager";
import { homePlace, homesFile, type HomePlace } from "./home-place";
import { log } from "../host/log";
import { rollBackHome } from "./roll-back";
import { Mirror, type Origin } from "../git/mirror";
import type { RepositoryKey } from "../credentials/repository-keys";
import { type Before, hasTrial, type LocalHold, readHold, readState, type Trial } from "../state";
import { accessFor } from "../credentials/credentials";
import { addRoot } from "../nix/profile";
import { failedUnits, checksError, unitsError } from "../activation/health";
import { homeAgentError } from "../activation/agent-self-test";
import { defaultClone, unpushedWork } from "../git/unpushed-work";

export interface HomeSituation extends Situation {
  homes: HomesFile | null;
  alone: boolean;
  settings: Partial<HomeSettings>;
  localHold: LocalHold | null;
  readable: boolean;
}

/** It is there if the machine's own module is on. */
const machineUnit = `/run/current-system/etc/systemd/system/${contract.units.system}.service`;

const PROTOCOLS = "http:https:ssh:git:file";

export class HomeDriver implements Driver<HomeSituation, HomeDecision> {
  private credentialProblem: string | undefined;
  private homes: HomesFile | null = null;

  constructor(readonly place: HomePlace = homePlace()) {}

  prepare(): void {
    for (const folder of [this.place.stateFolder, this.place.runFolder]) makeFolder(folder);
  }

  look(): Promise<HomeSituation> {
    const { stateFolder, settingsPath } = this.place;
    const { state, readable } = readState(stateFolder);
    const current = this.current();
    this.homes = readObject(homesFile) ?? null;
    return Promise.resolve({
      homes: this.homes,
      alone: !isThere(machineUnit),
      settings: readObject(join(current, settingsPath)) ?? {},
      localHold: readHold(stateFolder),
      state,
      readable,
      current,
    });
  }

  decide(situation: HomeSituation, request: RunRequest, found: Found): HomeDecision & { notes: string[] } {
    const { homes, alone, settings, state, localHold, current, readable } = situation;
    const { force, person, right, wanted } = request;
    const drifted = current !== state.deployed || !this.hasUnits();
    const decision = decideHome({
      ...{ user: this.place.user, homes, alone, settings, state, localHold, right, wanted, force, person, drifted },
      ...found,
    });
    return { ...decision, notes: readable ? [] : ["the state file is not readable; ignoring it"] };
  }

  /** By default the machine's mirror. */
  repository({ settings }: HomeDecision): string {
    return settings.repository ?? this.homes?.mirror ?? "";
  }

  attributeName({ settings }: HomeDecision): string {
    return builtAs(settings.subdirectory, settings.attribute);
  }

  attribute({ settings }: HomeDecision): string {
    return `homeConfigurations."${settings.attribute}".activationPackage`;
  }

  origin(decision: HomeDecision): Promise<Origin> {
    const url = this.repository(decision);
    const access = accessFor({
      protocols: PROTOCOLS,
      url,
      credential: this.credential(decision),
      knownHosts: decision.settings.knownHosts,
      runFolder: this.place.runFolder,
    });
    // After a refusal, root hands over another credential once root has published it.
    return Promise.resolve({
      ...{ url, access, branch: decision.settings.branch },
      renew: () => Promise.resolve(undefined),
    });
  }

  /** Root hands over the credential. */
  private credential({ settings }: HomeDecision): string | undefined {
    if (settings.deployKeySecret === undefined || settings.repository === undefined) return undefined;
    const handed = join(contract.paths.homeCredentials, this.place.user);
    const file = join(handed, "credential");
    if (readText(file) !== undefined) return file;
    this.credentialProblem =
      readText(join(handed, "error")) ?? "the machine has not handed over yet what the repository asks for";
    return undefined;
  }

  /** The home's own credential serves the other repositories of its host too. Root has fetched what the machine's flake needs. */
  repositoryKeys(decision: HomeDecision): Promise<RepositoryKey[]> {
    const file = this.credential(decision);
    const place = parseKeyPlace(this.repository(decision));
    return Promise.resolve(file === undefined || place === undefined ? [] : [{ place: { ...place, path: "" }, file }]);
  }

  credentialError(): string | undefined {
    return this.credentialProblem;
  }

  async obstacle({ settings }: HomeDecision, { force }: RunRequest): Promise<string | undefined> {
    if (force) return undefined;
    const set = settings["directory"];
    return unpushedWork(typeof set === "string" ? set : defaultClone(this.place.home));
  }

  async comesFirst({ force, once, dry }: RunRequest): Promise<string | undefined> {
    // What nothing retries is not deferred for a reason that passes by itself.
    return force || once || dry ? undefined : managerObstacle(this.place.service);
  }

  refusal(generation: string): Promise<string | undefined> {
    const name = generation.slice(generation.lastIndexOf("/") + 1);
    if (!exists(join(generation, "activate")))
      return Promise.resolve(`${name} is not a Home Manager generation (no activate script)`);
    if (!isThere(this.unitFile(generation)))
      return Promise.resolve(
        `${name} has no ${this.place.service}.service: services.nixos-hm-auto-update is not enabled in it`,
      );
    return Promise.resolve(undefined);
  }

  private unitFile(generation: string): string {
    return join(generation, `home-files/.config/systemd/user/${this.place.service}.service`);
  }

  agentError(generation: string): Promise<string | undefined> {
    return homeAgentError(generation, readText(this.unitFile(generation)) ?? "");
  }

  /** A home with its own repository must have the machine's nixpkgs and home-manager. The report says whether it does. */
  async lockMatches({ settings, target }: HomeDecision): Promise<boolean | undefined> {
    if (settings.repository === undefined || target === undefined) return undefined;
    const { mirror, revision, subdirectory } = this.homes ?? {};
    const machines = mirror === undefined ? undefined : new Mirror(mirror, true);
    const matches = locksMatch(
      await this.lockAt(this.place.mirror, target.revision, settings.subdirectory),
      await this.lockAt(machines, revision, subdirectory),
    );
    if (!matches) log("flake.lock: nixpkgs or home-manager is not the machine's");
    return matches;
  }

  private async lockAt(
    mirror: Mirror | undefined,
    revision: string | undefined,
    subdirectory: string | undefined,
  ): Promise<string | undefined> {
    if (mirror === undefined || revision === undefined) return undefined;
    try {
      return await mirror.fileAt(revision, flakeFile(subdirectory, "flake.lock"));
    } catch (error) {
      if (error instanceof GitError) return undefined;
      throw error;
    }
  }

  current(): string {
    return resolved(this.place.profile) ?? "";
  }

  /** Home Manager's NixOS module sets no profile: only this root names what it activated. */
  linked(): string | undefined {
    const linked = resolved(this.place.currentHome);
    return linked === this.current() ? undefined : linked;
  }

  /** Whether the agent's own unit is where the activation put it. */
  private hasUnits(): boolean {
    return isThere(join(this.place.home, ".config/systemd/user", `${this.place.service}.service`));
  }

  isCurrent(generation: string): boolean {
    const linked = resolved(this.place.currentHome) ?? generation;
    return (
      !hasTrial(this.place.stateFolder) && generation === this.current() && generation === linked && this.hasUnits()
    );
  }

  /** No boot starts a home, so a trial that was cut short is done again. */
  boot(): string {
    return "none";
  }

  cameUp(): boolean {
    return false;
  }

  mode(): Promise<Trial["mode"]> {
    return Promise.resolve("switch");
  }

  needsReboot(): Promise<boolean> {
    return Promise.resolve(false);
  }

  keep(): Promise<Switched> {
    return Promise.resolve({ kind: "done" });
  }

  revertProfile(): Promise<void> {
    return Promise.resolve();
  }

  async activate(generation: string, _mode: Trial["mode"], trial: Pick<Trial, "begun" | "linked">): Promise<Switched> {
    const failed = trial.linked === undefined ? undefined : await addRoot(this.formerRoot, trial.linked);
    return failed ?? activateHome(generation, this.place.profile, backupSuffix(trial));
  }

  /** What keeps a generation that no profile names from garbage collection, for as long as a rollback may need it. */
  private get formerRoot(): string {
    return join(this.place.stateFolder, "former-home");
  }

  /** Where no manager of the user's runs, Home Manager starts no units. */
  async healthBefore(): Promise<Before> {
    const failed = await failedUnits("user");
    return failed === undefined ? { reached: {} } : { failed, reached: {} };
  }

  async healthError(trial: Trial): Promise<HealthError | undefined> {
    const settingsFile = join(trial.path, this.place.settingsPath);
    const units = "home-files/.config/systemd/user";
    const { failed: failedBefore } = trial.before;
    const failed =
      failedBefore &&
      (await unitsError({
        manager: "user",
        failedBefore,
        folders: [join(trial.linked ?? trial.former, units), join(trial.path, units)],
        settings: readObject(settingsFile) ?? {},
      }));
    const error = failed ?? (await checksError(settingsFile));
    return error === undefined ? undefined : { error };
  }

  rollBack(trial: Trial, _decision: HomeDecision, unchanged: boolean): Promise<RolledBack> {
    return rollBackHome(this.place, trial, unchanged);
  }

  /** Root publishes the content of the state file. It finds the file regardless of this user's environment. */
  concluded({ state }: Conclusion<HomeSituation, HomeDecision>): Promise<{ retry?: string }> {
    const { runFolder, stateFolder } = this.place;
    if (!hasTrial(stateFolder)) remove(this.formerRoot);
    if (runFolder !== join(stateFolder, "run"))
      try {
        writeFileAtomic(join(runFolder, "state.json"), JSON.stringify({ revision: "", ...state }));
      } catch {
        log(`could not write ${runFolder}/state.json`);
      }
    return Promise.resolve({});
  }
}
