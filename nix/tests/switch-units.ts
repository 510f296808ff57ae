/**
 * Pairs of a running unit's file and its file in the new system, with what a switch does to the unit. Sources are functions of
 * switch-to-configuration-ng (nixpkgs, pkgs/by-name/sw/switch-to-configuration-ng/src/main.rs) and subtests of nixos/tests/switch-test.nix.
 */

export type Action = "none" | "stop" | "stop, start" | "restart" | "reload" | "skip" | "start";

export interface UnitCase {
  unit: string;
  /** The texts of the unit files; null where the system has none. */
  old: string;
  new: string | null;
  /** Further files of both systems, such as the template of an instance. */
  beside?: { name: string; old: string | null; new: string | null }[];
  expect: Action;
  source: string;
  /** How the unit is brought to where the switch finds it; "started" where not given. */
  state?: "started" | "failed" | "runtime";
  /** Rules that came after switch-to-configuration-ng of September 2024. */
  newer?: true;
}

const body = "Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true";
const service = (keys = "", unit = "Description=one", rest = "") =>
  `[Unit]\n${unit}\n[Service]\n${body}\n${keys}\n${rest}\n`;
const reloads = "ExecReload=/bin/true";
const plain = service();

const compare = "compare_units";
const modified = "handle_modified_unit";
const collect = "collect_unit_changes";

/** The keys of [Unit] that change nothing of a running unit. */
const ignoredKeys: [key: string, value: string][] = [
  ["Description", "two"],
  ["Documentation", "man:two"],
  ["OnFailure", "two.service"],
  ["OnSuccess", "two.service"],
  ["OnFailureJobMode", "fail"],
  ["IgnoreOnIsolate", "yes"],
  ["StopWhenUnneeded", "no"],
  ["RefuseManualStart", "no"],
  ["RefuseManualStop", "no"],
  ["AllowIsolate", "yes"],
  ["CollectMode", "inactive-or-failed"],
  ["SourcePath", "/two"],
];

export const unitCases: UnitCase[] = [
  { unit: "same.service", old: plain, new: plain, expect: "none", source: "switch-test.nix, services" },
  {
    unit: "environment.service",
    old: service('Environment="PATH=/nix/store/one/bin"'),
    new: service('Environment="PATH=/nix/store/two/bin"'),
    expect: "stop, start",
    source: compare,
  },
  { unit: "key.service", old: plain, new: service("X-Test=a"), expect: "stop, start", source: compare },
  { unit: "key-gone.service", old: service("X-Test=a"), new: plain, expect: "stop, start", source: compare },
  {
    unit: "section.service",
    old: plain,
    new: service("", "Description=one", "[X-Test]\nX-Test-Value=a"),
    expect: "stop, start",
    source: "switch-test.nix, simpleServiceWithExtraSection",
  },
  {
    unit: "install.service",
    old: plain,
    new: service("", "Description=one", "[Install]\nWantedBy=multi-user.target"),
    expect: "none",
    source: "parse_systemd_ini; switch-test.nix, simpleServiceWithInstallSection",
  },
  ...ignoredKeys.map(([key, value]): UnitCase => ({
    unit: `ignored-${key.toLowerCase()}.service`,
    old: plain,
    new: service("", key === "Description" ? `Description=${value}` : `Description=one\n${key}=${value}`),
    expect: "none",
    source: `${compare}, unit_section_ignores`,
  })),
  {
    unit: "after.service",
    old: plain,
    new: service("", "Description=one\nAfter=network.target"),
    expect: "stop, start",
    source: compare,
  },
  {
    unit: "order.service",
    old: service("Nice=1\nUMask=0022"),
    new: service("UMask=0022\nNice=1"),
    expect: "none",
    source: "parse_systemd_ini",
  },
  {
    unit: "emptied.service",
    old: service("ExecStartPre=/bin/false\nExecStartPre=\nExecStartPre=/bin/true"),
    new: service("ExecStartPre=/bin/true"),
    expect: "none",
    source: "parse_systemd_ini: an empty value forgets those before it",
  },
  {
    unit: "trigger.service",
    old: service(reloads, "X-Reload-Triggers=/one"),
    new: service(reloads, "X-Reload-Triggers=/two"),
    expect: "reload",
    source: "switch-test.nix, simpleServiceReloadTriggerModified",
  },
  {
    unit: "trigger-added.service",
    old: service(reloads),
    new: service(reloads, "Description=one\nX-Reload-Triggers=/two"),
    expect: "reload",
    source: "switch-test.nix, simpleServiceReloadTrigger",
  },
  {
    unit: "trigger-gone.service",
    old: service(reloads, "Description=one\nX-Reload-Triggers=/one"),
    new: service(reloads),
    expect: "none",
    source: compare,
  },
  {
    unit: "trigger-and-more.service",
    old: service(reloads, "X-Reload-Triggers=/one"),
    new: service(`${reloads}\nX-Test=a`, "X-Reload-Triggers=/two"),
    expect: "stop, start",
    source: "switch-test.nix, simpleServiceReloadTriggerModifiedAndSomethingElse",
  },
  {
    unit: "exec-reload.service",
    old: service("ExecReload=/bin/echo one"),
    new: service("ExecReload=/bin/echo two"),
    expect: "reload",
    source: `${compare}: a change of ExecReload alone`,
    newer: true,
  },
  {
    unit: "exec-reload-added.service",
    old: plain,
    new: service(reloads),
    expect: "reload",
    source: `${compare}: a change of ExecReload alone`,
    newer: true,
  },
  {
    unit: "exec-reload-gone.service",
    old: service(reloads),
    new: plain,
    expect: "none",
    source: `${compare}: a program that runs does not mind`,
    newer: true,
  },
  {
    unit: "reload-if-changed.service",
    old: service(reloads),
    new: service(`${reloads}\nX-ReloadIfChanged=true\nX-Test=a`),
    expect: "reload",
    source: `${modified}; switch-test.nix, simpleServiceReload`,
  },
  {
    unit: "no-restart.service",
    old: plain,
    new: service("X-RestartIfChanged=false\nX-Test=a"),
    expect: "skip",
    source: `${modified}; switch-test.nix, simpleServiceNorestart`,
  },
  {
    unit: "refuses-stop.service",
    old: plain,
    new: service("X-Test=a", "Description=one\nRefuseManualStop=yes"),
    expect: "skip",
    source: modified,
  },
  {
    unit: "manual-start.service",
    old: plain,
    new: service("X-Test=a", "Description=one\nX-OnlyManualStart=yes"),
    expect: "skip",
    source: modified,
  },
  {
    unit: "no-stop.service",
    old: plain,
    new: service("X-StopIfChanged=false\nX-Test=a"),
    expect: "restart",
    source: `${modified}; switch-test.nix, simpleServiceNostop`,
  },
  { unit: "gone.service", old: plain, new: null, expect: "stop", source: collect },
  {
    unit: "gone-kept.service",
    old: service("", "Description=one\nX-StopOnRemoval=false"),
    new: null,
    expect: "none",
    source: `${collect}, X-StopOnRemoval`,
  },
  {
    unit: "failed.service",
    old: service("ExecStartPre=/bin/false"),
    new: service("X-Test=a"),
    expect: "none",
    source: `${collect}: active or activating alone`,
    state: "failed",
  },
  {
    unit: "runtime.service",
    old: plain,
    new: service("X-Test=a"),
    expect: "none",
    source: `${collect}, FragmentPath`,
    newer: true,
    state: "runtime",
  },
  {
    unit: "timer.timer",
    old: "[Timer]\nOnCalendar=2100-01-01",
    new: "[Timer]\nOnCalendar=2100-01-02",
    beside: [{ name: "timer.service", old: plain, new: plain }],
    expect: "restart",
    source: modified,
  },
  {
    unit: "path.path",
    old: "[Path]\nPathExists=/one",
    new: "[Path]\nPathExists=/two",
    beside: [{ name: "path.service", old: plain, new: plain }],
    expect: "none",
    source: "cannot_be_restarted_directly",
    newer: true,
  },
  {
    unit: "slice.slice",
    old: "[Slice]\nTasksMax=100",
    new: "[Slice]\nTasksMax=200",
    expect: "none",
    source: "cannot_be_restarted_directly",
  },
  {
    unit: "socket.socket",
    old: "[Socket]\nListenStream=/run/one.sock",
    new: "[Socket]\nListenStream=/run/two.sock",
    beside: [{ name: "socket.service", old: plain, new: plain }],
    expect: "none",
    source: modified,
  },
  {
    unit: "by-socket.service",
    old: plain,
    new: service("X-Test=a"),
    beside: [
      {
        name: "by-socket.socket",
        old: "[Socket]\nListenStream=/run/by-socket.sock",
        new: "[Socket]\nListenStream=/run/by-socket.sock",
      },
    ],
    expect: "stop",
    source: `${modified}: the socket starts it`,
  },
  {
    unit: "not-by-socket.service",
    old: plain,
    new: service("X-Test=a\nX-NotSocketActivated=true"),
    beside: [
      {
        name: "not-by-socket.socket",
        old: "[Socket]\nListenStream=/run/not-by-socket.sock",
        new: "[Socket]\nListenStream=/run/not-by-socket.sock",
      },
    ],
    expect: "stop, start",
    source: modified,
    newer: true,
  },
  {
    unit: "template@one.service",
    old: plain,
    new: service("X-Test=a"),
    expect: "stop, start",
    source: `${collect}; switch-test.nix, unitWithTemplateModified`,
  },
  {
    unit: "escaped\\x2ddash.service",
    old: plain,
    new: service("X-Test=a"),
    expect: "stop, start",
    source: "switch-test.nix, unitWithBackslashModified",
  },
];

/** Units whose file is that of their template. */
export const templateOf = (unit: string): string => unit.replace(/@[^.]+\./, "@.");
