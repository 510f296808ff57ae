/** What a report keeps of what Nix prints for a failed build, in the texts of older and newer releases. */
import { describe, expect, it } from "vitest";
import { failureLines } from "../../../../rules/decision/failure";

it("the lines of a failure leave out what Nix says of every failure, and end with the reason", () => {
  const output = [
    "these 2 derivations will be built:",
    "  /nix/store/x.drv",
    "building '/nix/store/x.drv'...",
    "error: builder for '/nix/store/x.drv' failed with exit code 1;",
    "       last 1 log lines:",
    "       > cannot build this",
    "       For full logs, run:",
    "         nix log /nix/store/x.drv",
    "error: 1 dependencies of derivation '/nix/store/y.drv' failed to build",
  ];
  expect(failureLines(output.join("\n"))).toBe(output.slice(3, 6).join("\n"));
});

describe("the lines of a failed build since Nix 2.29", () => {
  const log = (count: number) => Array.from({ length: count }, (_, number) => `       > line ${number + 1}`);
  const reason = "       Reason: builder failed with exit code 2.";
  const outputs = (name: string) => [
    "       Output paths:",
    `         /nix/store/o-${name}`,
    `         /nix/store/o-${name}-man`,
  ];
  const builder = (name: string, count: number) => [
    `error: Cannot build '/nix/store/d-${name}.drv'.`,
    reason,
    ...outputs(name),
    ...(count === 0 ? [] : [`       Last ${count} log lines:`, ...log(count)]),
    ...(count === 0 ? [] : ["       For full logs, run:", `         nix log /nix/store/d-${name}.drv`]),
  ];
  const dependent = (name: string, failed = "1 dependency") => [
    `error: Cannot build '/nix/store/d-${name}.drv'.`,
    `       Reason: ${failed} failed.`,
    ...outputs(name),
  ];
  const dependents = [
    ...["system-path", "dbus-1", "unit-dbus.service", "system-units", "etc"].flatMap((name) => dependent(name)),
    ...dependent("nixos-system-dev1", "3 dependencies"),
  ];
  const header = "error: Cannot build '/nix/store/d-tool.drv'. Reason: builder failed with exit code 2.";

  it("leave out what depends on it", () => {
    const lines = failureLines([...builder("tool", 3), ...dependents].join("\n"));
    expect(lines).toBe([header, "       Last 3 log lines:", ...log(3)].join("\n"));
  });

  it("leave out what Nix 2.34 says at the end", () => {
    const output = [...builder("tool", 3), ...dependents, "error: Build failed due to failed dependency"];
    expect(failureLines(output.join("\n"))).toBe([header, "       Last 3 log lines:", ...log(3)].join("\n"));
  });

  it("keep the reason where the log fills them", () => {
    const lines = failureLines([...builder("tool", 25), ...dependents].join("\n"));
    expect(lines).toBe([...log(25), header].join("\n"));
  });

  it("are one where the builder printed nothing", () => {
    expect(failureLines([...builder("tool", 0), ...dependents].join("\n"))).toBe(header);
  });

  it("keep what else Nix says about a build", () => {
    const output = [
      "error: Cannot build '/nix/store/d-tool.drv'.",
      "       Reason: platform mismatch",
      "       Required system: 'aarch64-linux'",
      "       Current system: 'x86_64-linux'",
    ];
    const lines = failureLines(output.join("\n"));
    expect(lines).toContain("error: Cannot build '/nix/store/d-tool.drv'. Reason: platform mismatch");
    expect(lines).toContain("Required system: 'aarch64-linux'");
  });

  it("are not taken out of a builder's log", () => {
    const own = ["       > Output paths:", "       >   /nix/store/x", "       > Reason: 1 dependency failed."];
    const output = ["error: Cannot build '/nix/store/d-tool.drv'.", reason, "       Last 3 log lines:", ...own];
    expect(failureLines(output.join("\n"))).toBe([header, "       Last 3 log lines:", ...own].join("\n"));
  });
});
