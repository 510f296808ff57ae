/** A gate's options: those of `fleet await`, from options or from the environment variables that the program sets. */
import { parseBudget } from "../../rules/gate/budget";
import { reactions, type Reaction } from "../../rules/gate/reaction";
import type { GateOptions } from "../../rules/gate/state";
import type { Call, OptionSpec } from "../command-line/command";
import { UsageError } from "../errors";
import { oneLine } from "../../rules/text/text";

const names = { pattern: /^[a-z0-9][a-z0-9-]*(,[a-z0-9][a-z0-9-]*)*$/, right: "names, separated by commas" };

export const gateOptions: Readonly<Record<string, OptionSpec>> = {
  wave: { value: "WAVE", description: "the wave", env: "NIXOS_FLEET_WAVE" },
  revision: {
    value: "REVISION",
    description: "the revision to wait for; the wave's approval by default",
    form: { pattern: /^[0-9a-f]{7,40}$/, right: "a git revision of 7 to 40 hex digits" },
    env: "NIXOS_FLEET_REVISION",
  },
  members: {
    value: "VM,VM…",
    description: "the wave's VMs; by default those whose metadata names the wave",
    form: names,
    env: "NIXOS_FLEET_MEMBERS",
  },
  "later-waves": {
    value: "WAVE,WAVE…",
    description: "the waves after it, which get only a revision that this wave has proved",
    form: names,
    env: "NIXOS_FLEET_LATER_WAVES",
  },
  "min-succeeded": {
    value: "N",
    description: "how many VMs must prove the revision before later waves get it; 0 by default",
    form: { pattern: /^\d{1,6}$/, right: "a number of VMs" },
    env: "NIXOS_FLEET_MIN_SUCCEEDED",
  },
  "max-failures": {
    value: "N|N%",
    description: "how many VMs of the wave may fail; 0 by default",
    env: "NIXOS_FLEET_MAX_FAILURES",
  },
  timeout: { value: "TIME", description: "the limit for a VM's answer; 20m by default", env: "NIXOS_FLEET_TIMEOUT" },
  "boot-timeout": {
    value: "TIME",
    description: "the limit until a VM exists, and again until its first report; 15m by default",
    env: "NIXOS_FLEET_BOOT_TIMEOUT",
  },
  homes: {
    value: "gate|report",
    description: "whether a home's failure counts; report by default",
    choices: ["gate", "report"],
    env: "NIXOS_FLEET_HOMES",
  },
  reboot: {
    value: "required|optional",
    description: "whether to wait for reboots that an update needs; optional by default",
    choices: ["required", "optional"],
    env: "NIXOS_FLEET_REBOOT",
  },
  pause: {
    value: "TIME",
    description: "how long the wave runs the revision before the gate passes; failures still count; 0 by default",
    env: "NIXOS_FLEET_PAUSE",
  },
  "on-failure": {
    value: "WHAT",
    description: "what to do if the wave fails; by default none: only fail",
    choices: reactions,
    env: "NIXOS_FLEET_ON_FAILURE",
  },
};

/** The option with which a gate's resource runs the command when Pulumi deletes it. */
export const forget: OptionSpec = {
  description: "the wave was deleted: remove its holds and rollbacks, and with the last wave those of the stack",
};

/** The gate's options as given. The revision may be shortened or missing, and what the wave passed before is not known yet. */
export type Given = Omit<GateOptions, "revision" | "passedBefore"> & {
  revision: string | undefined;
  onFailure: Reaction;
};

/** @throws UsageError with one line that names the option */
export function readGateOptions({ options }: Call): Given {
  const wave = options.text("wave");
  if (wave === undefined) {
    throw new UsageError("await: --wave is missing");
  }
  const written = options.text("max-failures") ?? "0";
  const maxFailures = parseBudget(written);
  if (maxFailures === undefined) {
    throw new UsageError(
      `await: --max-failures is ${oneLine(written, 40)}; it must be a number of VMs or a share such as 10%`,
    );
  }
  return {
    wave,
    revision: options.text("revision"),
    members: options.text("members")?.split(","),
    laterWaves: options.text("later-waves")?.split(",") ?? [],
    minSucceeded: Number(options.text("min-succeeded") ?? 0),
    maxFailures,
    homes: (options.text("homes") ?? "report") as Given["homes"],
    reboot: options.text("reboot") === "required",
    onFailure: (options.text("on-failure") ?? "none") as Reaction,
    timeout: options.duration("timeout", "20m"),
    bootTimeout: options.duration("boot-timeout", "15m"),
    pause: options.duration("pause", "0", 0),
  };
}
