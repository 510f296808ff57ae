/** The words that people and units give a run. */
import { expect, it } from "vitest";
import { Exit } from "../../../agent/host/log";
import { firstUpdateOptions } from "../../../agent/home/homes";
import { readOptions, takesNothing } from "../../../agent/options";

const revision = "a".repeat(40);
const said = (act: () => unknown) => {
  try {
    return act();
  } catch (error) {
    return error instanceof Exit ? `${error.status}: ${error.message}` : error;
  }
};

const ofRun = (words: readonly string[]) => readOptions("nixos-auto-update", "run", words);

it("are read in any order", () => {
  expect(ofRun(["--once", "--by", "alice\n\u001b[2J", "--revision", revision, "--trigger", "ssh", "--force"])).toEqual({
    ...{ once: true, force: true, by: "alice  [2J", wanted: revision, trigger: "ssh" },
  });
  expect(ofRun([])).toEqual({ force: false, once: false });
});

it.each<[string[], string]>([
  [["--trigger"], '2: --trigger: "" must be boot, schedule, watch, ssh or manual'],
  [["--trigger", "cron"], '2: --trigger: "cron" must be boot, schedule, watch, ssh or manual'],
  [["--trigger", "constructor"], '2: --trigger: "constructor" must be boot, schedule, watch, ssh or manual'],
  [["--revision", "abc"], '2: --revision: "abc" must be a full revision, 40 hexadecimal digits'],
  [["--revision"], '2: --revision: "" must be a full revision, 40 hexadecimal digits'],
  [["--by"], "2: --by: expects the name of the requester"],
  [["now"], '2: run: unknown option "now"; see '],
])("%j are answered in one line", (words, message) => {
  expect(said(() => ofRun(words))).toContain(message);
});

it.each([
  ["nixos-auto-update", "trigger", "--force"],
  ["nixos-auto-update", "trigger", "--revision"],
  ["nixos-auto-update", "trigger", "--once"],
  ["nixos-hm-auto-update", "check", "--trigger"],
] as const)("%s %s refuses %s, which it would ignore", (program, command, option) => {
  expect(said(() => readOptions(program, command, [option, revision]))).toContain(
    `2: ${command}: unknown option "${option}"; see `,
  );
});

it("of a home's first update, which root starts, are those of its run", () => {
  expect(readOptions("nixos-hm-auto-update", "run", firstUpdateOptions)).toMatchObject({
    ...{ once: true, trigger: "watch", by: "the machine's agent" },
  });
});

it("trigger takes what its usage lists", () => {
  const words = ["--by", "alice", "--trigger", "manual"];
  expect(readOptions("nixos-auto-update", "trigger", words)).toMatchObject({ by: "alice", trigger: "manual" });
});

it("a command that takes none says so", () => {
  expect(said(() => takesNothing("check", ["x"]))).toBe("2: check: takes no argument");
  expect(said(() => takesNothing("check", []))).toBeUndefined();
});
