import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { allowedFailures, parseBudget } from "../../../rules/gate/budget";
import { formatDuration, parseDuration } from "../../../rules/text/duration";
import { readReport } from "../../../cli/reports";
import { renderTable } from "../../../cli/command-line/table";
import { lastLines, wrap } from "../../../cli/text";
import type { Report } from "../../../rules/report";
import { report } from "./fleet-samples";
import { oneLine, printable, truncate } from "../../../rules/text/text";

test.each([
  ["90s", 90],
  ["20m", 1200],
  ["1h30m", 5400],
  ["2d", 172_800],
  ["45", 45],
  ["0", 0],
  ["", undefined],
  ["m", undefined],
  ["-5m", undefined],
  ["5 m", undefined],
  ["1.5h", undefined],
  ["20min", undefined],
])("parseDuration(%j) is %j seconds", (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

test.each([
  [0, "0 s"],
  [59.4, "59 s"],
  [90, "1 min 30 s"],
  [1200, "20 min"],
  [5400, "1 h 30 min"],
  [90_000, "1 d 1 h"],
])("formatDuration(%j) is %j", (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test.each([
  ["0", 5, 0],
  ["2", 5, 2],
  ["10%", 5, 0],
  ["10%", 25, 2],
  ["100%", 7, 7],
])("a budget of %s among %d VMs allows %d failures", (text, vms, allowed) => {
  const budget = parseBudget(text);
  expect(budget && allowedFailures(budget, vms)).toBe(allowed);
});

test.each(["", "-1", "1.5", "101%", "%", "ten", "5 %"])("%j is no budget", (text) => {
  expect(parseBudget(text)).toBeUndefined();
});

describe("text from VMs", () => {
  const wild = fc.string({ unit: "binary", maxLength: 3000 });
  const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/;

  const command = /^\s*::[a-z]|##\w*\[/i;
  const commands = fc
    .array(
      fc.constantFrom("::add-mask::", "::stop-commands::x", "##[error]", "##vso[", "#", ":", "\n", "\u200b", " ", "a"),
    )
    .map((parts) => parts.join(""));

  it("is no command to a CI runner that prints it, whatever it is", () => {
    fc.assert(
      fc.property(fc.oneof(commands, wild), (text) => {
        const { report: read } = readReport(JSON.stringify({ ...report(), error: text })) as { report: Report };
        const all = [printable(text), oneLine(text), read.error ?? "", ...lastLines(text, 20)];
        const printed = [...all.flatMap((one) => one.split("\n")), ...all.flatMap((one) => wrap(one, 10, 4))];
        expect(printed.filter((line) => command.test(line))).toEqual([]);
      }),
    );
    expect(oneLine("a::b ##[error]no ::add-mask::x ::1")).toBe("a::b # #[error]no : :add-mask::x ::1");
  });

  it("carries no control characters, whatever it is", () => {
    fc.assert(fc.property(wild, (text) => !control.test(printable(text)) && !control.test(oneLine(text))));
  });

  it("is one line of bounded bytes", () => {
    fc.assert(
      fc.property(wild, fc.integer({ min: 1, max: 1000 }), (text, limit) => {
        const line = oneLine(text, limit);
        return line.length <= limit && !/[\n\r]/.test(line) && Buffer.byteLength(line) <= 3 * limit;
      }),
    );
  });

  it("loses escape sequences, not only their first character", () => {
    expect(printable("a\u001b[2J\u001b]0;title\u0007b\u001b[31mred")).toBe("abred");
  });

  it("keeps whole characters when it is cut", () => {
    expect(truncate("ab😀cd", 4)).toBe("ab…");
  });

  it("gives its last lines that say something", () => {
    expect(lastLines("one\r\n\n two  \n\nthree\n", 2)).toEqual([" two", "three"]);
  });
});

describe("reports", () => {
  it("are made printable", () => {
    const written = report({ outcome: "failed", error: "line 1\n\u001b[2Jline 2", toplevel: "/nix\nstore" });
    const read = readReport(JSON.stringify(written));
    expect(read).toMatchObject({ kind: "report", report: { error: "line 1\nline 2", toplevel: "/nix store" } });
  });

  test.each([
    ["not JSON", "{", "not JSON"],
    ["null", "null", "not valid"],
    ["an unknown outcome", JSON.stringify({ ...report(), outcome: "great\u001b[2J" }), "outcome"],
    ["a missing field", JSON.stringify({ ...report(), at: undefined }), "at"],
  ])("that are %s are reported as such", (_, value, problem) => {
    const read = readReport(value);
    expect(read).toMatchObject({ kind: "invalid", problem: expect.stringContaining(problem) as string });
  });

  it("of a newer agent are read", () => {
    expect(readReport(JSON.stringify({ ...report(), more: 1 }))).toEqual({
      kind: "report",
      report: report(),
      unknown: ["more"],
    });
  });

  it("never throw", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (value) => readReport(value).kind !== "none"));
  });
});

test("a table is aligned, and plain where no colour is wanted", () => {
  const rows = [
    ["a", { text: "failed", style: "red" as const }, ""],
    ["long-name", "ok", "why"],
  ];
  expect(renderTable(["VM", "IS", "WHY"], rows, false)).toEqual([
    "VM         IS      WHY",
    "a          failed  -",
    "long-name  ok      why",
  ]);
  const wordy = [...rows, ["b", "ok", "a reason of thirty-one letters"]];
  expect(renderTable(["VM", "IS", "WHY"], wordy, false, 34).at(-1)).toBe("b          ok      a reason of th…");
  expect(renderTable(["VM", "IS", "WHY"], wordy, false, 10).at(-1)).toBe("b          ok      a reason of…");
  expect(renderTable(["VM", "IS", "WHY"], rows, true)[1]).toBe("a          \u001b[31mfailed\u001b[39m  -");
});
