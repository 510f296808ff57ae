import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { basename } from "node:path";
import { vi } from "vitest";
import { finishTrial } from "../../../../agent/activation/activation";
import type { RolledBack } from "../../../../agent/driver";
import type { Ending } from "../../../../agent/ending";
import { resolved } from "../../../../agent/host/files";
import { MetadataServer } from "../../../../agent/metadata-server";
import { setProfile } from "../../../../agent/nix/profile";
import { writeState, type Trial } from "../../../../agent/state";
import { SystemDriver } from "../../../../agent/system/system";
import { systemPlace } from "../../../../agent/system/system-place";
import type { SystemDecision } from "../../../../rules/decision/decide-system";
import { Scratch } from "../scratch";

/** A machine with the systems A, W and N. Links stand for what runs and what booted: A at the start. Its driver is the real one. */
export class StandInMachine extends Scratch {
  readonly driver: SystemDriver;
  private readonly current = this.in("current");
  private readonly booted = this.in("booted");
  private readonly profile = this.in("profile");

  constructor() {
    super();
    const { profile } = this;
    const place = { ...systemPlace(), profile, stateFolder: this.in("state"), runFolder: this.in("run") };
    this.driver = new SystemDriver(place, new MetadataServer(), { boot: this.in("boot") });
    vi.spyOn(this.driver, "current").mockImplementation(() => resolved(this.current) ?? "");
    vi.spyOn(this.driver, "booted").mockImplementation(() => resolved(this.booted));
    this.fake("systemd-inhibit", "exit 1");
    this.fake(
      "nix-env",
      `case $3 in
    --set) to=profile-$(($(ls -d $2-*-link 2>/dev/null | wc -l) + 1))-link; ln -s "$4" ${this.root}/$to ;;
    --switch-generation) to=profile-$4-link ;;
    esac
    ln -sfn $to $2`,
    );
    for (const name of ["A", "W", "N"]) this.system(name);
    this.runs("A");
    this.boots("A");
  }

  /**
   * @param check what its pre-switch checks do
   * @param install how its installation of the boot loader begins
   */
  system(name: string, check = "true", install = "true"): void {
    mkdirSync(this.in(`${name}/bin`), { recursive: true });
    this.fake(
      `../${name}/bin/switch-to-configuration`,
      `case $1 in check) ${check}; exit ;; esac
    case $1 in boot | switch) ${install}; echo ${name} >${this.in("boot-loader")} ;; esac
    case $1 in test | switch) ln -sfn ${this.in(name)} ${this.current} ;; esac`,
    );
  }

  /** Makes V a specialisation of the system. */
  specialise(name: string): void {
    this.system("V");
    mkdirSync(this.in(`${name}/specialisation`));
    symlinkSync(this.in("V"), this.in(`${name}/specialisation/gaming`));
  }

  /** Makes the system the one that runs. */
  runs(name: string): void {
    this.link(this.current, name);
  }

  /** Makes the system the one that the machine booted. */
  boots(name: string): void {
    this.link(this.booted, name);
  }

  private link(to: string, name: string): void {
    rmSync(to, { force: true });
    symlinkSync(this.in(name), to);
  }

  /** What the machine booted is unknown from now on. */
  forgetBoot(): void {
    rmSync(this.booted);
  }

  /** Adds these generations to the profile. The last of them counts as deployed. */
  async generations(...names: string[]): Promise<void> {
    for (const name of names) await setProfile(this.profile, this.in(name));
    writeState(this.in("state"), this.deployed(names.at(-1) ?? ""), false);
  }

  /** Adds a generation that does not count as deployed. */
  async generationOnTrial(name: string): Promise<void> {
    await setProfile(this.profile, this.in(name));
  }

  deployed(name: string) {
    return { revision: name, deployed: this.in(name) };
  }

  trial(name: string, more: Partial<Trial> = {}): Trial {
    return {
      ...{ path: this.in(name), revision: name, lock: "", mode: "switch", boot: this.driver.boot() },
      ...{ former: this.in("A"), before: { failed: [], reached: {} }, restores: this.deployed("A"), ...more },
    };
  }

  /** The trial of a system that waits for its boot. */
  waits(more: Partial<Trial> = {}): Trial {
    return this.trial("W", { mode: "boot", since: "2026-01-01T00:00:00Z", ...more });
  }

  rollBack(trial: Trial, unchanged = false): Promise<RolledBack> {
    return this.driver.rollBack(trial, {} as SystemDecision, unchanged);
  }

  finish(trial: Trial): Promise<Ending> {
    return finishTrial({ driver: this.driver, decision: {} as SystemDecision }, trial);
  }

  /** What the first run after a boot makes of a trial from before it. */
  finishAfterBoot(trial: Trial): Promise<Ending> {
    return this.finish({ ...trial, boot: "an earlier one" });
  }

  facts() {
    const links = readdirSync(this.root).filter((name) => name.endsWith("-link"));
    return {
      runs: nameOf(this.current),
      profile: nameOf(this.profile),
      generations: links.map((name) => nameOf(this.in(name))),
      boots: readFileSync(this.in("boot-loader"), "utf8").trim(),
    };
  }
}

function nameOf(link: string): string {
  return basename(resolved(link) ?? "");
}
