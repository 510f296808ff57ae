/** Which units speak against what was switched to. */
import { describe, expect, it } from "vitest";
import { badUnits, mayRestart, type UnitState } from "../../../rules/decision/health";

const unit = (id: string, more: Partial<UnitState> = {}): UnitState => ({
  ...{ id, activeState: "active", subState: "running", restarts: 0, type: "simple" },
  ...{ triggeredBy: [], source: "" },
  ...more,
});
const failed = { activeState: "failed", subState: "failed" };
const waits = { activeState: "activating", subState: "auto-restart" };

/** What is bad of one unit that belongs to the configuration. */
function bad(
  last: UnitState,
  more: { before?: string[]; first?: UnitState; changed?: boolean; belongs?: boolean; ignored?: string[] } = {},
) {
  return badUnits({
    before: more.before ?? [],
    first: [more.first ?? unit(last.id)],
    last: [last],
    belongs: () => more.belongs ?? true,
    changed: () => more.changed ?? true,
    ignored: more.ignored ?? [],
  }).map(({ problem }) => problem);
}

describe("a unit", () => {
  it("that runs says nothing", () => expect(bad(unit("web.service"))).toEqual([]));
  it("that fails is bad", () => expect(bad(unit("web.service", failed))).toEqual(["failed"]));

  it("that waits for approvals counts, and the agent's others do not", () => {
    expect(bad(unit("nixos-auto-update-watch.service", waits))).toEqual(["restarts in a loop"]);
    expect(bad(unit("nixos-auto-update.service", failed))).toEqual([]);
    expect(bad(unit("nixos-auto-update-reboot.service", failed))).toEqual([]);
  });

  it("that failed before is nothing new", () => {
    expect(bad(unit("web.service", failed), { before: ["web.service"] })).toEqual([]);
  });

  it("that waits to be restarted, or was restarted again and again, restarts in a loop", () => {
    expect(bad(unit("web.service", waits))).toEqual(["restarts in a loop"]);
    expect(bad(unit("web.service", { restarts: 5 }), { first: unit("web.service", { restarts: 3 }) })).toEqual([
      "restarts in a loop",
    ]);
    expect(bad(unit("web.service", { restarts: 4 }), { first: unit("web.service", { restarts: 3 }) })).toEqual([]);
  });

  it("that restarted in a loop before is nothing new", () => {
    expect(bad(unit("web.service", waits), { before: ["web.service"] })).toEqual([]);
  });

  it("of no one's configuration does not count", () => {
    expect(bad(unit("run-u7.service", failed), { belongs: false })).toEqual([]);
  });

  it("that its settings ignore does not count", () => {
    expect(bad(unit("backup-home.service", failed), { ignored: ["backup-*.service"] })).toEqual([]);
    expect(bad(unit("xbackup-home.service", failed), { ignored: ["backup-*.service"] })).toEqual(["failed"]);
  });
});

describe("a nightly job that fails by itself during a switch", () => {
  const nightly = unit("nightly.service", { ...failed, type: "oneshot", triggeredBy: ["nightly.timer"] });
  it("does not count", () => expect(bad(nightly, { changed: false })).toEqual([]));
  it("counts where the switch changed it", () => expect(bad(nightly, { changed: true })).toEqual(["failed"]));
});

it.each([
  "user@1000.service",
  "session-3.scope",
  "systemd-coredump@1.service",
  "nixos-auto-update.service",
  // Home Manager as a NixOS module.
  "home-manager-dev.service",
  "run-user-1000.mount",
])("%s never counts", (id) => expect(bad(unit(id, failed))).toEqual([]));

describe("systemd may restart a service", () => {
  const own = (line: string) => `[Service]\nExecStart=/bin/web\n${line}\n[Install]\nWantedBy=multi-user.target`;
  it.each([
    [own("Restart=always"), "", true],
    [own("Restart = on-failure"), "", true],
    [own("RestartForceExitStatus=1"), "", true],
    [own("Restart=no"), "", false],
    [own("Restart=no "), "[Service]\nRestartSec=5", false],
    [own(""), "", false],
    [own(""), "[Service]\nRestart=always", true],
    // Its own file is elsewhere and may say so.
    ["", "[Service]\nNice=5", true],
  ])("%j with drop-ins %j: %s", (text, dropIns, may) => expect(mayRestart(text, dropIns)).toBe(may));
});
