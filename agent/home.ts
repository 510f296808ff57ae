/** The home's driver: homeConfigurations.<attribute>, Home Manager's profile, activate. */
import { lstatSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { contract } from "../rules/contract";
import { decideHome, type HomeDecision, type HomesFile, type HomeSettings } from "../rules/decide-home";
import { locksMatch } from "../rules/lock-matches";
import { parseObject } from "../rules/json";
import type { Conclusion, Driver, Found, Place, RolledBack, RunRequest, Situation, Switched } from "./driver";
import { exists, isThere, makeFolder, readText, resolved, writeFileAtomic } from "./files";
import { git, GitError } from "./git";
import { log } from "./log";
import { Mirror, type Origin } from "./mirror";
import { run, succeeded } from "./process";
import { type Before, hasTrial, type LocalHold, readHold, readState, type Trial } from "./state";
import { secondsFrom } from "./time";
import { accessFor } from "./credentials";
import { setProfile, revertProfile } from "./profile";
import { failedUnits, checksError, unitsError } from "./health";

export interface HomeSituation extends Situation {
  homes: HomesFile | null;
  settings: Partial<HomeSettings>;
  localHold: LocalHold | null;
  readable: boolean;
}

const PROTOCOLS = "http:https:ssh:git:file";
const timeout = () => secondsFrom("NIXOS_AUTO_UPDATE_SWITCH_TIMEOUT", 900);

/** Where root tells homes what to run. */
export const homesFile = contract.paths.homes;

interface HomePlace extends Place {
  currentHome: string;
  home: string;
  user: string;
}

export function homePlace(): HomePlace {
  const { username, homedir, uid } = userInfo();
  const home = process.env["HOME"] ?? homedir;
  const stateHome = process.env["XDG_STATE_HOME"] ?? join(home, ".local/state");
  const stateFolder = join(stateHome, contract.paths.homeState);
  const runtime = process.env["XDG_RUNTIME_DIR"] ?? `/run/user/${uid}`;
  // Activation scripts and systemctl want these, whoever started this.
  process.env["XDG_RUNTIME_DIR"] = runtime;
  process.env["USER"] ??= username;
  return {
    program: "nixos-hm-auto-update",
    service: contract.units.home,
    manager: "user",
    stateFolder,
    // Without a manager of the user's there is no folder for what a reboot may forget.
    runFolder: exists(runtime) ? join(runtime, contract.paths.homeState) : join(stateFolder, "run"),
    lockFile: join(stateFolder, "lock"),
    mirror: new Mirror(join(stateFolder, "mirror.git")),
    profile: join(stateHome, "nix/profiles/home-manager"),
    settingsPath: `home-files/.config/${contract.paths.homeSettings}`,
    currentHome: join(stateHome, "home-manager/gcroots/current-home"),
    home,
    user: process.env["USER"],
  };
}

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
    this.homes = parseObject(readText(homesFile) ?? "") ?? null;
    return Promise.resolve({
      homes: this.homes,
      settings: parseObject(readText(join(current, settingsPath)) ?? "") ?? {},
      localHold: readHold(stateFolder),
      state,
      readable,
      current,
    });
  }

  decide(situation: HomeSituation, request: RunRequest, found: Found): HomeDecision & { notes: string[] } {
    const { homes, settings, state, localHold, current, readable } = situation;
    const { force, right, wanted } = request;
    const drifted = current !== state.deployed;
    const decision = decideHome({
      ...{ user: this.place.user, homes, settings, state, localHold, right, wanted, force, drifted },
      ...found,
    });
    return { ...decision, notes: readable ? [] : ["the state file is not readable; going on without it"] };
  }

  /** By default the machine's mirror. */
  repository({ settings }: HomeDecision): string {
    return settings.repository ?? this.homes?.mirror ?? "";
  }

  attributeName({ settings }: HomeDecision): string {
    return settings.attribute;
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
    // After a refusal root hands over another one, once it has published that.
    return Promise.resolve({
      ...{ url, access, branch: decision.settings.branch },
      renew: () => Promise.resolve(undefined),
    });
  }

  /** Root hands it over. */
  private credential({ settings }: HomeDecision): string | undefined {
    if (settings.deployKeySecret === undefined || settings.repository === undefined) return undefined;
    const handed = join(contract.paths.homeCredentials, this.place.user);
    const file = join(handed, "credential");
    if (readText(file) !== undefined) return file;
    this.credentialProblem =
      readText(join(handed, "error")) ?? "the machine has not handed over yet what the repository asks for";
    return undefined;
  }

  credentialError(): string | undefined {
    return this.credentialProblem;
  }

  /** A person's own clone of what the home is made from: what is in it and not yet pushed must not be switched away from. */
  async obstacle({ settings }: HomeDecision, { force }: RunRequest): Promise<string | undefined> {
    const set = settings["directory"];
    const clone = typeof set === "string" ? set : join(this.place.home, ".config/home-manager");
    const there = lstatSync(join(clone, "."), { throwIfNoEntry: false });
    if (force || there?.uid !== process.getuid?.() || !exists(join(clone, ".git"))) return undefined;
    const read = async (...args: string[]) => {
      const finished = await git(["-C", clone, ...args], { ownConfig: true });
      return succeeded(finished) ? finished.stdout : "";
    };
    const go = "and this home goes on by itself (run --force goes on without them)";
    if ((await read("status", "--porcelain")) !== "")
      return `${clone} has edits that are not committed: commit and push them, or stash them, ${go}`;
    if ((await read("log", "--max-count=1", "--format=%h", "HEAD", "--not", "--remotes")) !== "")
      return `${clone} has commits that are not pushed: push them, ${go}`;
    return undefined;
  }

  refusal(generation: string): Promise<string | undefined> {
    const name = generation.slice(generation.lastIndexOf("/") + 1);
    if (!exists(join(generation, "activate")))
      return Promise.resolve(`${name} is not a Home Manager generation (no activate script)`);
    const unit = `home-files/.config/systemd/user/${this.place.service}.service`;
    if (!isThere(join(generation, unit)))
      return Promise.resolve(
        `${name} has no ${this.place.service}.service: services.nixos-hm-auto-update is not enabled in it`,
      );
    return Promise.resolve(undefined);
  }

  /** A repository of its own has to have the machine's nixpkgs and home-manager; the report says whether it does. */
  async lockMatches({ settings, target }: HomeDecision): Promise<boolean | undefined> {
    if (settings.repository === undefined || target === undefined) return undefined;
    const { mirror, revision } = this.homes ?? {};
    const matches = locksMatch(
      await this.lockAt(this.place.mirror, target.revision),
      await this.lockAt(mirror === undefined ? undefined : new Mirror(mirror, true), revision),
    );
    if (!matches) log("flake.lock: nixpkgs or home-manager is not the machine's");
    return matches;
  }

  private async lockAt(mirror: Mirror | undefined, revision: string | undefined): Promise<string | undefined> {
    if (mirror === undefined || revision === undefined) return undefined;
    try {
      return await mirror.fileAt(revision, "flake.lock");
    } catch (error) {
      if (error instanceof GitError) return undefined;
      throw error;
    }
  }

  current(): string {
    return resolved(this.place.profile) ?? "";
  }

  isCurrent(generation: string): boolean {
    const linked = resolved(this.place.currentHome) ?? generation;
    return !hasTrial(this.place.stateFolder) && generation === this.current() && generation === linked;
  }

  /** No boot brings a home up: a trial that was cut short is done again. */
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

  letGo(): Promise<void> {
    return Promise.resolve();
  }

  /**
   * As the home-manager command does: it sets the profile itself, except for generations from before it did, whose activate does. A file
   * that is in the way is moved aside under a name that no earlier one has.
   */
  async activate(generation: string): Promise<Switched> {
    const { profile } = this.place;
    // Home Manager puts its profile there only if the folder exists.
    makeFolder(dirname(profile));
    const driven = exists(join(generation, "gen-version"));
    if (driven) {
      if (!(await setProfile(profile, generation)))
        return { kind: "failed", error: `could not set the profile ${profile}` };
    }
    const finished = await run(join(generation, "activate"), driven ? ["--driver-version", "1"] : [], {
      env: { HOME_MANAGER_BACKUP_EXT: `before-update-${compactTime(new Date())}` },
      timeout: timeout(),
      grace: 30_000,
      tee: true,
    });
    if (succeeded(finished)) return { kind: "done" };
    if (finished.limit !== undefined)
      return { kind: "failed", error: `activate did not end within ${Math.round(timeout() / 1000)} s` };
    const lines = finished.output.trimEnd().split("\n").slice(-20);
    const how = `activate ended with status ${finished.status ?? finished.signal ?? "none"}`;
    return { kind: "failed", error: [...lines, how].join("\n") };
  }

  async healthBefore(): Promise<Before> {
    return { failed: await failedUnits("user"), reached: {} };
  }

  async healthError(trial: Trial): Promise<string | undefined> {
    const settingsFile = join(trial.path, this.place.settingsPath);
    const units = "home-files/.config/systemd/user";
    const error = await unitsError({
      manager: "user",
      failedBefore: trial.before.failed,
      folders: [join(trial.former, units), join(trial.path, units)],
      settings: parseObject(readText(settingsFile) ?? "") ?? {},
    });
    return error ?? (await checksError(settingsFile));
  }

  async rollBack(trial: Trial): Promise<RolledBack> {
    const old = this.previous(trial);
    if (!(await revertProfile(this.place.profile, old, trial.path)))
      return { ok: false, error: "the profile cannot be set back" };
    if (old === undefined) return { ok: false, error: "nothing was deployed before", hopeless: true };
    log(`going back to ${old}`);
    const switched = await this.activate(old);
    return switched.kind === "failed" ? { ok: false, error: switched.error } : { ok: true };
  }

  /** What was deployed before; where the agent has deployed nothing yet, what its user had activated. */
  private previous(trial: Trial): string | undefined {
    const { state } = readState(this.place.stateFolder);
    return [state.deployed, trial.former].find(
      (path) => path !== undefined && path !== "" && path !== trial.path && exists(join(path, "activate")),
    );
  }

  /** Root publishes what the state file says, from where it finds it whatever this user's environment says. */
  concluded({ state }: Conclusion<HomeSituation, HomeDecision>): Promise<{ retry?: string }> {
    const { runFolder, stateFolder } = this.place;
    if (runFolder !== join(stateFolder, "run"))
      try {
        writeFileAtomic(join(runFolder, "state.json"), JSON.stringify({ revision: "", ...state }));
      } catch {
        log(`could not write ${runFolder}/state.json`);
      }
    return Promise.resolve({});
  }
}

/** 20261128-061500, in the user's time zone. */
function compactTime(date: Date): string {
  const two = (part: number) => String(part).padStart(2, "0");
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
  return `${day}-${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
}
