import { describe, expect, it } from "vitest";
import { parseProcessStat } from "../../../../rules/text/process-stat";
import { peopleWithJobs } from "../../../../rules/decision/terminal-jobs";

const terminal = (major: number, minor: number) => (major << 8) | minor;
const [pts0, pts1, console1] = [terminal(136, 0), terminal(136, 1), terminal(4, 1)];

/** `/proc/PID/stat` of a process that leads its session. */
const stat = (name: string, tty: number, pid = 100) => `${pid} (${name}) S 1 ${pid} ${pid} ${tty} ${pid} 4194560 100 0`;
const shells = ["sh", "bash", "fish"];

describe("a person has a job on a terminal", () => {
  it.each<[string, { uid: number; stat: string }[], number[]]>([
    ["not where nothing runs", [], []],
    [
      "where a shell has started a command",
      [
        { uid: 1000, stat: stat("bash", pts0) },
        { uid: 1000, stat: stat("make", pts0, 101) },
      ],
      [1000],
    ],
    ["where a program took the shell's place", [{ uid: 1000, stat: stat("vim", pts0) }], [1000]],
    ["not where a shell waits for a command", [{ uid: 1000, stat: stat("fish", pts0) }], []],
    [
      "not where several shells wait, each on its terminal",
      [pts0, pts1].map((tty) => ({ uid: 1000, stat: stat("bash", tty) })),
      [],
    ],
    ["not where it has no terminal", [{ uid: 1000, stat: stat("tmux: server", 0) }], []],
    ["not where its terminal is a console", [{ uid: 1000, stat: stat("vim", console1) }], []],
    [
      "not where it is root's, a service's or of an owner without an id",
      [0, 999, 65534].map((uid) => ({ uid, stat: stat("vim", pts0) })),
      [],
    ],
    [
      "where a shell has started a command as root",
      [
        { uid: 1000, stat: stat("bash", pts0) },
        { uid: 0, stat: stat("nixos-rebuild", pts0, 101) },
      ],
      [1000],
    ],
    ["also with an odd name", [{ uid: 1001, stat: stat("a) S 1 (b", pts1) }], [1001]],
    ["once, on however many", [pts0, pts1].map((tty) => ({ uid: 1000, stat: stat("make", tty) })), [1000]],
    [
      "not where what is read is cut",
      [
        { uid: 1000, stat: "100 (make" },
        { uid: 1000, stat: "" },
      ],
      [],
    ],
  ])("%s", (_, processes, people) => {
    const read = processes.map(({ uid, stat: text }) => ({ uid, ...parseProcessStat(text) }));
    expect(peopleWithJobs(read, shells)).toEqual(people);
  });
});
