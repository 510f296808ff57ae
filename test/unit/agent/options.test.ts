/** The words that people and units give a run. */
import { expect, it } from "vitest";
import { Exit } from "../../../agent/host/log";
import { readOptions, takesNothing } from "../../../agent/options";

const revision = "a".repeat(40);
const said = (act: () => unknown) => {
  try {
    return act();
  } catch (error) {
    return error instanceof Exit ? `${error.status}: ${error.message}` : error;
  }
};

it("are read in any order", () => {
  expect(
    readOptions(["--once", "--by", "alice\n\u001b[2J", "--revision", revision, "--trigger", "ssh", "--force"]),
  ).toEqual({
    ...{ once: true, force: true, by: "alice  [2J", wanted: revision, trigger: "ssh" },
  });
  expect(readOptions([])).toEqual({ force: false, once: false });
});

it.each<[string[], string]>([
  [["--trigger"], '2: --trigger: "" must be boot, schedule, watch, ssh or manual'],
  [["--trigger", "cron"], '2: --trigger: "cron" must be boot, schedule, watch, ssh or manual'],
  [["--trigger", "constructor"], '2: --trigger: "constructor" must be boot, schedule, watch, ssh or manual'],
  [["--revision", "abc"], '2: --revision: "abc" must be a full revision, 40 hexadecimal digits'],
  [["--revision"], '2: --revision: "" must be a full revision, 40 hexadecimal digits'],
  [["--by"], "2: --by: expects the name of the requester"],
  [["now"], '2: unknown option "now"; see '],
])("%j are answered in one line", (words, message) => {
  expect(said(() => readOptions(words))).toContain(message);
});

it("a command that takes none says so", () => {
  expect(said(() => takesNothing("check", ["x"]))).toBe("2: check: takes no argument");
  expect(said(() => takesNothing("check", []))).toBeUndefined();
});
