/** Runs that are tried again: when, how often, and what ends it. */
import { existsSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Bench } from "./bash";

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
  bench.fake("systemd-run", `printf '%s\\n' "$*" >>${bench.path("started")}`);
  bench.fake("systemctl", `printf '%s\\n' "$*" >>${bench.path("systemctl")}`);
});
afterEach(() => {
  bench.remove();
});

const sh = (script: string) => bench.run(["log", "retry"], `manager=() once=false asked_by=\n${script}`);
const started = () => (existsSync(bench.path("started")) ? readFileSync(bench.path("started"), "utf8").trim() : "");
const delays = () => [...started().matchAll(/--on-active=(\d+)/g)].map(([, seconds]) => Number(seconds));

describe("a retry", () => {
  it("comes soon at first, then ever more seldom, and never much later than half an hour", () => {
    sh("for n in {1..12}; do retry_later nixos-auto-update 'no network'; done");
    const base = [15, 30, 60, 120, 240, 480, 960, 1800, 1800, 1800, 1800, 1800];
    expect(delays()).toHaveLength(base.length);
    delays().forEach((delay, n) => {
      expect(delay).toBeGreaterThanOrEqual(Math.floor((base[n] ?? 0) * 0.75));
      expect(delay).toBeLessThanOrEqual(Math.ceil((base[n] ?? 0) * 1.25));
    });
  });

  it("starts the service of the user's own manager", () => {
    sh("manager=(--user); retry_later nixos-hm-auto-update x");
    expect(started()).toMatch(/^--user .* --user start --no-block nixos-hm-auto-update\.service$/);
  });

  it("says why it runs, once", () => {
    const { stdout } = sh(
      `retry_later x 'the repository does not answer'; : >$run_dir/retry-due
      is_retry && echo "$asked_by"; is_retry || echo no`,
    );
    expect(stdout).toBe("itself, trying again: the repository does not answer\nno\n");
  });

  it("is none for whoever has patience of their own", () => {
    sh("once=true; retry_later x y");
    expect(started()).toBe("");
  });

  it("is called off, and begins soon again after a run that ended well", () => {
    sh("retry_later x y; retry_later x y; retry_no_more x; retry_later x y");
    expect(readFileSync(bench.path("systemctl"), "utf8")).toContain("stop x-retry-*.timer");
    expect(delays()[2]).toBeLessThan(20);
  });

  it("costs nothing where there was none", () => {
    sh("retry_no_more x");
    expect(existsSync(bench.path("systemctl"))).toBe(false);
  });

  it("is not confused by a file that was cut short", () => {
    expect(sh(": >$run_dir/retry; retry_later x y; echo half >$run_dir/retry; retry_later x y").status).toBe(0);
    expect(delays()).toHaveLength(2);
  });
});
