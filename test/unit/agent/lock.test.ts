/** The agents' lock, in a folder where anybody may put anything. */
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Bench } from "./bash";

let bench: Bench;
beforeEach(() => (bench = new Bench()));
afterEach(() => bench.remove());

const take = () => bench.run(["log", "files", "lock"], `acquire_lock ${bench.path("lock")} "a test"`);

describe("the lock", () => {
  it("says who holds it", () => {
    expect(take().status).toBe(0);
    expect(readFileSync(bench.path("lock"), "utf8")).toMatch(/^a test, pid \d+, since /);
  });

  it("is taken although a dead run's name is in it", () => {
    writeFileSync(bench.path("lock"), "watch by nobody, pid 1, since 1999\n");
    expect(take()).toMatchObject({ status: 0, stderr: "" });
  });

  it("has the second wait, who says for whom", () => {
    const [order, said] = [bench.path("order"), bench.path("said")];
    const two = bench.run(
      ["log", "files", "lock"],
      `take() { acquire_lock ${bench.path("lock")} "$1"; echo "$1 in" >>${order}; }
      until_waiting() { until grep -qs waiting ${said}; do sleep 0.05; done; }
      (take first; until_waiting; echo "first out" >>${order}) &
      until [[ -s ${order} ]]; do sleep 0.05; done
      (take second) 2>${said}
      wait`,
    );
    expect(two).toMatchObject({ status: 0 });
    expect(readFileSync(said, "utf8")).toContain("waiting: an update is running (first, pid");
    expect(readFileSync(bench.path("order"), "utf8")).toBe("first in\nfirst out\nsecond in\n");
  });

  it("never writes where a link leads", () => {
    writeFileSync(bench.path("precious"), "kept");
    symlinkSync(bench.path("precious"), bench.path("lock"));
    expect(take().status).toBe(0);
    expect(readFileSync(bench.path("precious"), "utf8")).toBe("kept");
    expect(lstatSync(bench.path("lock")).isFile()).toBe(true);
  });

  it.each(["folder", "pipe"])("replaces a %s", (kind) => {
    if (kind === "folder") mkdirSync(bench.path("lock/inner"), { recursive: true });
    else execFileSync("mkfifo", [bench.path("lock")]);
    expect(take().status).toBe(0);
    expect(lstatSync(bench.path("lock")).isFile()).toBe(true);
  });
});

describe("a file that is written", () => {
  const write = () => bench.run(["log", "files"], `write_file ${bench.path("state/f")} new`);

  it.each(["state/f", "state/f.new"])("replaces a folder %s", (name) => {
    mkdirSync(bench.path(`${name}/inner`), { recursive: true });
    expect(write().status).toBe(0);
    expect(readFileSync(bench.path("state/f"), "utf8")).toBe("new\n");
    expect(existsSync(bench.path("state/f.new"))).toBe(false);
  });
});
