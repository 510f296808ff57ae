/** The system's driver: nixosConfigurations.<host>, the system profile, switch-to-configuration. */
import { hostname } from "node:os";
import { join } from "node:path";
import { hasDrifted, type Reachable } from "../../rules/agent-state";
import { decideSystem, type SystemDecision } from "../../rules/decision/decide-system";
import { builtAs } from "../../rules/decision/flake-place";
import { readMetadata, type Metadata } from "../../rules/metadata";
import {
  type Conclusion,
  type Driver,
  dryRequest,
  type Found,
  type HealthError,
  type Place,
  type Deferral,
  type RolledBack,
  type RunRequest,
  type Switched,
  UpdateFailure,
} from "../driver";
import type { Ending } from "../ending";
import { exists, isThere, makeFolder, readText, resolved, writeFileAtomic } from "../host/files";
import { log } from "../host/log";
import { MetadataServer } from "../metadata-server";
import type { Origin } from "../git/mirror";
import type { RepositoryKey } from "../credentials/repository-keys";
import {
  awaitsBoot,
  bootedSystem,
  currentSystem,
  decideReboot,
  isSystemOrVariant,
  type RebootPlace,
} from "../activation/reboot";
import { type Pending, pendingSystem, deferredByTurn, deferredByWindow, rebootPlaceOf } from "./deferrals";
import { type Before, readHold, readState, readTrial, type Trial } from "../state";
import { bootedAt } from "../host/time";
import { setBaseline } from "../watch-baseline";
import { setProfile, revertProfile } from "../nix/profile";
import { systemAgentError } from "../activation/agent-self-test";
import { modeOf, switchToConfiguration } from "../activation/switch-system";
import type { Waiting } from "../../rules/report";
import { MachineCredentials } from "../credentials/machine-credentials";
import { concludeSystem } from "./conclude-system";
import { rollBackSystem } from "./roll-back";
import { SystemHealth } from "../activation/system-health";
import { moduleSettings, systemPlace } from "./system-place";
import type { SystemSituation } from "./system-situation";

/** Places outside the agent's own folders. */
interface MachineFiles {
  /** The boot loader's folder. */
  boot: string;
  /** The file in which the firmware names the machine. */
  product: string;
}

export class SystemDriver implements Driver<SystemSituation, SystemDecision> {
  private readonly credentials: MachineCredentials;
  private readonly files: MachineFiles;
  private known: Promise<Origin> | undefined;

  constructor(
    readonly place: Place = systemPlace(),
    readonly metadata: MetadataServer = new MetadataServer(),
    files: Partial<MachineFiles> = {},
  ) {
    this.files = { boot: "/boot", product: "/sys/class/dmi/id/product_name", ...files };
    this.credentials = new MachineCredentials(place.runFolder, metadata);
  }

  prepare(): void {
    for (const folder of [this.place.stateFolder, this.place.runFolder]) if (!exists(folder)) makeFolder(folder);
  }

  async look({ patient }: Pick<RunRequest, "patient">): Promise<SystemSituation> {
    const situation = await this.observe(patient ? 4 : 1);
    this.remember(situation.metadata);
    this.known = undefined;
    return situation;
  }

  /** The inputs of a decision; none of them is stored. */
  async observe(attempts: number): Promise<SystemSituation> {
    const { stateFolder, profile, runFolder } = this.place;
    const metadata = readMetadata(await this.metadata.answers(attempts), this.isExpected());
    const { state, readable } = readState(stateFolder);
    const current = this.current();
    const deployed = resolved(profile) ?? "";
    const running = { profile: deployed, current: this.runs(deployed) ? deployed : current, boot: bootedAt(runFolder) };
    return {
      metadata,
      joined: isThere(join(stateFolder, "joined")),
      settings: moduleSettings(),
      state,
      readable,
      localHold: readHold(stateFolder),
      current,
      drifted: hasDrifted(state, { ...running, trial: readTrial(stateFolder) }),
    };
  }

  /** Whether there must be a metadata server, even if it does not answer now. */
  private isExpected(): boolean {
    const isGoogle = readText(this.files.product)?.trim() === "Google Compute Engine";
    return isGoogle || isThere(join(this.place.stateFolder, "instance"));
  }

  private remember(metadata: Metadata): void {
    if (metadata.kind !== "present" && metadata.kind !== "absent") return;
    const { stateFolder, runFolder } = this.place;
    const marks = metadata.kind === "present" ? ["instance", "joined"] : ["instance"];
    try {
      for (const mark of marks) if (!isThere(join(stateFolder, mark))) writeFileAtomic(join(stateFolder, mark), "");
      setBaseline(runFolder, metadata);
    } catch {
      // A full disk does not prevent a decision.
    }
  }

  decide(situation: SystemSituation, request: RunRequest, found: Found): SystemDecision {
    const { metadata, joined, settings, state, localHold, drifted, readable } = situation;
    const { wanted, force, right } = request;
    const input = { metadata, joined, settings, state, localHold, drifted, force, right, wanted, ...found };
    const decision = decideSystem({ ...input, hostname: hostname() });
    return readable
      ? decision
      : { ...decision, notes: [...decision.notes, "the state file is not readable; ignoring it"] };
  }

  /** What a run would do now if it may go only to an approved revision. */
  async decideNow(): Promise<SystemDecision> {
    return this.decide(await this.look(dryRequest), dryRequest, {});
  }

  repository({ settings }: SystemDecision): string {
    return settings.repository ?? "";
  }

  attributeName({ settings }: SystemDecision): string {
    return builtAs(settings.subdirectory, settings.host);
  }

  attribute({ settings }: SystemDecision): string {
    return `nixosConfigurations."${settings.host}".config.system.build.toplevel`;
  }

  origin(decision: SystemDecision): Promise<Origin> {
    const { settings } = decision;
    const url = this.repository(decision);
    this.known ??= this.credentials.origin({ ...settings, repository: url });
    return this.known;
  }

  repositoryKeys(decision: SystemDecision): Promise<RepositoryKey[]> {
    return this.credentials.repositoryKeys({ ...decision.settings, repository: this.repository(decision) });
  }

  credentialError(): string | undefined {
    return this.credentials.problem;
  }

  obstacle(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  /** If an update left its machine without updates, it could not be repaired remotely. */
  refusal(toplevel: string): Promise<string | undefined> {
    const timer = `${this.place.service}.timer`;
    const there = isThere(join(toplevel, "etc/systemd/system", timer));
    const name = toplevel.slice(toplevel.lastIndexOf("/") + 1);
    return Promise.resolve(
      there ? undefined : `${name} has no ${timer}: services.nixos-auto-update is not enabled in it`,
    );
  }

  agentError(toplevel: string): Promise<string | undefined> {
    return systemAgentError(toplevel, this.current(), this.place.runFolder);
  }

  lockMatches(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  current(): string {
    return resolved(currentSystem) ?? "";
  }

  /** Whether a system or one of its specialisations runs. */
  private runs(toplevel: string): boolean {
    return isSystemOrVariant(toplevel, this.current());
  }

  /** What the machine booted; `undefined` if that is unknown, as in a container. */
  booted(): string | undefined {
    return resolved(bootedSystem);
  }

  private booting(): string | undefined {
    return resolved(this.place.profile);
  }

  isCurrent(toplevel: string): boolean {
    const trial = readTrial(this.place.stateFolder);
    if (trial === undefined) return toplevel === this.booting() && this.runs(toplevel);
    return (
      trial.mode === "boot" && trial.path === toplevel && trial.boot === this.boot() && toplevel === this.booting()
    );
  }

  boot(): string {
    return bootedAt(this.place.runFolder);
  }

  /** A boot starts what the profile names: what waited for a reboot, or what was about to be kept when the power was cut. */
  cameUp(toplevel: string): boolean {
    return this.runs(toplevel) && toplevel === this.booting();
  }

  /** Someone chose another system in the boot loader, for instance because this one does not boot. A specialisation of it is not another system. */
  bootedAnother(toplevel: string): boolean {
    const booted = this.booted();
    return booted !== undefined && !isSystemOrVariant(toplevel, booted) && toplevel === this.booting();
  }

  async mode(toplevel: string): Promise<Trial["mode"]> {
    const how = await modeOf(toplevel);
    if (how.mode === "busy") throw new UpdateFailure("switch", how.why, "busy");
    return how.mode === "boot" ? "boot" : "switch";
  }

  /** What is set for the next boot, or runs and is complete only after the boot. */
  needsReboot({ reboot }: Ending): Promise<boolean> {
    const { profile } = this.place;
    const required = reboot === true || this.pending() !== undefined || this.rollbackAwaitsBoot();
    return Promise.resolve(required || (exists(profile) && this.awaitsBoot(profile)));
  }

  private rollbackAwaitsBoot(): boolean {
    return readTrial(this.place.stateFolder)?.backAtBoot === this.boot();
  }

  awaitsBoot(toplevel: string): boolean {
    return awaitsBoot(toplevel, this.booted());
  }

  postponed(decision: SystemDecision, { person, right }: RunRequest, situation: SystemSituation): Deferral | undefined {
    const asked = { ...situation, person, right };
    return deferredByWindow(this.place, decision, asked) ?? deferredByTurn(this.place, decision, asked);
  }

  async waitsFor(decision: SystemDecision, ending: Ending): Promise<Waiting | undefined> {
    const reboot = await decideReboot(this.rebootPlace(decision), await this.needsReboot(ending));
    return reboot.action === "none" ? undefined : reboot.waiting;
  }

  pending(): Pending | undefined {
    return pendingSystem(this.place, { boot: this.boot(), current: this.current() });
  }

  rebootPlace(decision: SystemDecision): RebootPlace {
    return rebootPlaceOf(this.place, decision);
  }

  /** `test` does all that `switch` does except for the boot loader. */
  async activate(toplevel: string, mode: Trial["mode"]): Promise<Switched> {
    return mode === "boot" ? this.setForBoot(toplevel) : switchToConfiguration(toplevel, "test");
  }

  async keep(toplevel: string): Promise<Switched> {
    log(`→ keeping ${toplevel}`);
    return this.setForBoot(toplevel);
  }

  private async setForBoot(toplevel: string): Promise<Switched> {
    return (await setProfile(this.place.profile, toplevel)) ?? switchToConfiguration(toplevel, "boot");
  }

  async revertProfile(toplevel: string): Promise<void> {
    const current = this.current();
    if (current === "" || this.booting() !== toplevel) return;
    await revertProfile(this.place.profile, current, toplevel);
  }

  healthBefore(decision: SystemDecision): Promise<Before> {
    return this.health(decision).before();
  }

  healthError(trial: Trial, decision: SystemDecision): Promise<HealthError | undefined> {
    return this.health(decision).error(trial, this.place.settingsPath, this.boot());
  }

  reachesAgain(what: Reachable, decision: SystemDecision): Promise<boolean> {
    return this.health(decision).reachesAgain(what);
  }

  private health(decision: SystemDecision): SystemHealth {
    return new SystemHealth(this.metadata, () => this.origin(decision));
  }

  rollBack(trial: Trial, _decision: SystemDecision, unchanged: boolean): Promise<RolledBack> {
    const now = { boot: this.boot(), booted: this.booted(), current: () => this.current() };
    return rollBackSystem({ ...now, place: this.place, bootFolder: this.files.boot }, trial, unchanged);
  }

  async concluded(conclusion: Conclusion<SystemSituation, SystemDecision>): Promise<{ retry?: string }> {
    return concludeSystem(this, conclusion);
  }
}
