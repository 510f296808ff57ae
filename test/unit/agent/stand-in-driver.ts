/** A driver of which a test says only what matters to it; the rest goes well and changes nothing. */
import type { CommonDecision, Driver, Place } from "../../../agent/driver";
import { localAccess } from "../../../agent/git/git";
import { Mirror } from "../../../agent/git/mirror";
import { readState } from "../../../agent/state";
import { stay } from "../../../rules/decision/decision";
import { originOf } from "./git/origin";
import type { Repository, Scratch } from "./scratch";

export const standInPlace = (scratch: Scratch): Place => ({
  ...{ program: "nixos-hm-auto-update", service: "nixos-hm-auto-update", manager: "user", settingsPath: "settings" },
  ...{ stateFolder: scratch.in("state"), runFolder: scratch.in("run"), lockFile: scratch.in("lock"), profile: "" },
  mirror: new Mirror(scratch.in("mirror")),
});

export const standInDecision: CommonDecision = {
  ...stay("updated", "go"),
  settings: { branch: "main", minimumFree: 0, keepGenerations: 0 },
  retry: [],
};

export function standInDriver(scratch: Scratch, more: Partial<Driver>): Driver {
  return {
    place: standInPlace(scratch),
    prepare: () => undefined,
    look: () => Promise.resolve({ state: {}, current: "" }),
    decide: () => standInDecision,
    repository: () => "",
    attributeName: () => "",
    attribute: () => "",
    origin: () => Promise.reject(new Error("there is no origin")),
    repositoryKeys: () => Promise.resolve([]),
    credentialError: () => undefined,
    obstacle: () => Promise.resolve(undefined),
    refusal: () => Promise.resolve(undefined),
    agentError: () => Promise.resolve(undefined),
    lockMatches: () => Promise.resolve(undefined),
    isCurrent: () => false,
    boot: () => "1",
    cameUp: () => false,
    current: () => "",
    mode: () => Promise.resolve("switch"),
    needsReboot: () => Promise.resolve(false),
    activate: () => Promise.resolve({ kind: "done" }),
    keep: () => Promise.resolve({ kind: "done" }),
    revertProfile: () => Promise.resolve(),
    healthBefore: () => Promise.resolve({ failed: [], reached: {} }),
    healthError: () => Promise.resolve(undefined),
    rollBack: () => Promise.resolve({ ok: true }),
    concluded: () => Promise.resolve({}),
    ...more,
  };
}

/** The same about a real repository, which goes by the state that its runs leave. */
export function repositoryDriver(
  scratch: Scratch,
  { folder }: Repository,
  decide: Driver["decide"],
  more: Partial<Driver> = {},
): Driver {
  return standInDriver(scratch, {
    look: () => Promise.resolve({ state: readState(scratch.in("state")).state, current: "" }),
    decide,
    repository: () => folder,
    origin: () => Promise.resolve(originOf(folder, { access: localAccess })),
    ...more,
  });
}
