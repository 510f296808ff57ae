/** The unit in which a new system's agent shows that it works, made of the units that the system ships. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sandboxesToTest, sandboxOf, selfTestUnit } from "../../../rules/self-test";

const shipped = (name: string) => readFileSync(`nix/tests/units/system-defaults/${name}.service`, "utf8");
const watcher = sandboxOf(shipped("nixos-auto-update-watch"));

describe("the sandbox of a unit", () => {
  it("is all that its file says of what a process may do", () => {
    const keys = (watcher?.settings ?? []).map((line) => line.replace(/=.*/, ""));
    expect(watcher?.program).toMatch(/\/nixos-auto-update$/);
    for (const key of ["Environment", "ProtectSystem", "ReadWritePaths", "StateDirectory", "SystemCallFilter"])
      expect(keys).toContain(key);
    const others = ["ExecStart", "Type", "Restart", "RestartSec", "Nice", "WantedBy", "Description", "After"];
    expect(keys.filter((key) => others.includes(key))).toEqual([]);
  });

  it("is the same for units that may do the same, however they are scheduled", () => {
    expect(sandboxOf(shipped("nixos-auto-update-reboot"))).toEqual(watcher);
    expect(sandboxOf(shipped("nixos-auto-update"))).not.toEqual(watcher);
  });

  it("leaves nothing of a shipped unit out but what is here, each with its reason", () => {
    const process = "another process runs, once and at once";
    const pace = "how much of the machine it gets does not decide whether it works";
    const leftOut: Record<string, string> = {
      ...{ ExecStart: process, Type: process, TimeoutStartSec: process },
      ...{ Restart: process, RestartSec: process, RestartSteps: process, RestartMaxDelaySec: process },
      ...{ Nice: pace, CPUSchedulingPolicy: pace, IOSchedulingClass: pace, MemoryHigh: pace, OOMPolicy: pace },
      "X-RestartIfChanged": "NixOS reads it, and not systemd",
    };
    const folder = "nix/tests/units";
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
      /^system.*service$/.test(name),
    );
    const missing = files.flatMap((file) => {
      const text = readFileSync(join(folder, file), "utf8");
      const sandbox = sandboxOf(text);
      if (sandbox === undefined) return [];
      const service = text
        .slice(text.indexOf("[Service]"))
        .replace(/\n\[Install\][^]*/, "")
        .split("\n")
        .slice(1);
      return service.filter((line) => line !== "" && !sandbox.settings.includes(line));
    });
    expect(new Set(missing.map((line) => line.replace(/=.*/, "")))).toEqual(new Set(Object.keys(leftOut)));
  });

  it("is read across continued lines, sections and prefixes of ExecStart", () => {
    const unit = `[Unit]\nUser=nobody\n[Service]\n# User=a\nExecStart=-/nix/store/a/bin/nixos-auto-update run\nSystemCallFilter=@system-service \\\n  ~@privileged\n[Install]\nUser=b\n`;
    expect(sandboxOf(unit)).toEqual({
      program: "/nix/store/a/bin/nixos-auto-update",
      settings: ["SystemCallFilter=@system-service  ~@privileged"],
    });
  });

  it("has what a process may do with memory, and not how much it may have", () => {
    const unit = "[Service]\nExecStart=/a/bin/nixos-auto-update run\nMemoryHigh=60%\nMemoryDenyWriteExecute=true\n";
    expect(sandboxOf(unit)?.settings).toEqual(["MemoryDenyWriteExecute=true"]);
  });

  it("is nothing for units of other programs", () => {
    expect(sandboxOf("[Service]\nExecStart=/nix/store/a/bin/nft --file a\n")).toBeUndefined();
    expect(sandboxOf("[Service]\nExecStart=/nix/store/a/bin/nixos-auto-update-else\n")).toBeUndefined();
    expect(sandboxOf("[Timer]\nOnActiveSec=1\n")).toBeUndefined();
  });
});

it("the unit runs the self-test in it, and lets an agent pass that has none", () => {
  const text = selfTestUnit(
    { program: "/a/bin/nixos-auto-update", settings: ["PrivateTmp=true"] },
    "/new",
    "/run/output",
  );
  const lines = text.split("\n");
  for (const line of [
    "PrivateTmp=true",
    "ExecStart=/a/bin/nixos-auto-update self-test",
    "Environment=NIXOS_AUTO_UPDATE_SELF_TEST_SYSTEM=/new",
    "SuccessExitStatus=2",
    "StandardOutput=truncate:/run/output",
  ])
    expect(lines).toContain(line);
});

describe("a new system's agent is tested", () => {
  const unit = (program: string, setting = "ProtectHome=yes") =>
    `[Service]\nExecStart=/nix/store/${program}/bin/nixos-auto-update run\n${setting}\n`;
  const names = (shipped: Record<string, string>, running: Record<string, string> = {}, sameSettings = true) => [
    ...sandboxesToTest(shipped, running, sameSettings).keys(),
  ];

  it("once in each sandbox, and not in units that run something else", () => {
    const shipped = { "a.service": unit("new"), "b.service": unit("new"), "c.service": unit("new", "PrivateTmp=yes") };
    expect(names({ ...shipped, "d.service": "[Service]\nExecStart=/bin/true\n" })).toEqual(["a.service", "c.service"]);
  });

  it("in no sandbox in which the same program runs already", () => {
    const running = { "a.service": unit("same"), "c.service": unit("same", "PrivateTmp=yes") };
    expect(names({ "x.service": unit("same"), "y.service": unit("same", "PrivateTmp=yes") }, running)).toEqual([]);
    expect(names({ "a.service": unit("same", "NoNewPrivileges=yes") }, running)).toEqual(["a.service"]);
    expect(names({ "a.service": unit("new") }, running)).toEqual(["a.service"]);
  });

  it("in each sandbox where its settings changed", () => {
    const same = { "a.service": unit("same"), "c.service": unit("same", "PrivateTmp=yes") };
    expect(names(same, same, false)).toEqual(["a.service", "c.service"]);
  });
});
