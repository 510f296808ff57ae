/** Child processes, real ones: each ends, with all that it started, and nothing it prints is too much. */
import { execFileSync } from "node:child_process";
import { afterEach, describe, expect, it, vi } from "vitest";
import { BoundedText, run } from "../../../../agent/host/process";
import { patience } from "../../../setup/pace";

const sh = (script: string, options = {}) => run("bash", ["-c", script], options);

describe("a process", () => {
  it("is its status and its outputs", async () => {
    expect(await sh("echo out; echo err >&2; exit 3")).toMatchObject({
      ...{ status: 3, stdout: "out\n", stderr: "err\n", limit: undefined },
    });
  });

  it("that cannot be started says why", async () => {
    const { status, stderr } = await run("/nowhere/program", []);
    expect({ status, stderr }).toEqual({ status: undefined, stderr: "spawn /nowhere/program ENOENT\n" });
  });

  it("is its signal", async () => {
    expect(await sh("kill -KILL $$")).toMatchObject({ status: undefined, signal: "SIGKILL" });
  });

  it("reads its input", async () => {
    expect((await run("cat", [], { input: "text" })).stdout).toBe("text");
  });

  it("that does not read its input is no error", async () => {
    expect((await run("true", [], { input: "x".repeat(1_000_000) })).status).toBe(0);
  });
});

describe("what a process prints", () => {
  afterEach(() => vi.unstubAllEnvs());
  const locale = async (variables: Record<string, string>, env?: Record<string, string>) => {
    for (const name of ["LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LC_TIME"]) vi.stubEnv(name, undefined);
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    const { stdout } = await sh("env", env === undefined ? {} : { env });
    return stdout
      .split("\n")
      .filter((line) => /^(?:LANG|LC_)/.test(line))
      .sort();
  };

  it("is not translated, whatever language the machine has", async () => {
    expect(await locale({ LANG: "de_DE.UTF-8" })).toEqual(["LANG=de_DE.UTF-8", "LC_MESSAGES=C"]);
    expect(await locale({ LC_MESSAGES: "de_DE.UTF-8", LC_ALL: "" })).toEqual(["LC_MESSAGES=C"]);
  });

  it("is not translated where one variable sets the whole locale", async () => {
    const set = { LANG: "C", LC_ALL: "de_DE.UTF-8", LC_TIME: "fr_FR.UTF-8" };
    expect(await locale(set)).toEqual(["LANG=de_DE.UTF-8", "LC_MESSAGES=C"]);
  });

  it("follows a locale of its own", async () => {
    expect(await locale({ LANG: "de_DE.UTF-8" }, { LC_ALL: "C" })).toContain("LC_ALL=C");
  });
});

describe("a limit", () => {
  it("in time ends it", async () => {
    const started = Date.now();
    expect(await sh("sleep 60", { timeout: 100 })).toMatchObject({ limit: "timeout", signal: "SIGTERM" });
    expect(Date.now() - started).toBeLessThan(10_000);
  });

  it("in silence does not end what speaks", async () => {
    expect(await sh("for i in 1 2 3 4; do sleep 0.4; echo $i >&2; done", { silence: patience(2) })).toMatchObject({
      status: 0,
    });
    expect(await sh("echo 1; sleep 600", { silence: patience(1) })).toMatchObject({ limit: "silence", stdout: "1\n" });
  });

  it("may come from what it prints", async () => {
    const seen: string[] = [];
    const onOutput = (text: string) => seen.push(text) > 0 && text.includes("2");
    const finished = await sh("echo 1; sleep 0.3; echo 2 >&2; sleep 600", { onOutput });
    expect(finished).toMatchObject({ signal: "SIGTERM", limit: undefined, stdout: "1\n", stderr: "2\n" });
    expect(seen).toEqual(["1\n", "2\n"]);
  });

  it("ends what ignores SIGTERM, and what it started", async () => {
    const mark = `${process.pid}.${Date.now()}`;
    const script = `trap '' TERM; sleep 100.${mark.replace(".", "")} & while :; do sleep 1; done`;
    expect(await sh(script, { timeout: patience(1), grace: 200 })).toMatchObject({
      ...{ limit: "timeout", signal: "SIGKILL" },
    });
    const all = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
    expect(all).not.toContain(mark.replace(".", ""));
  });
});

describe("what a process leaves behind", () => {
  it("does not hold the call up, and ends", async () => {
    const started = Date.now();
    const sleep = `sleep 77.${process.pid}`;
    const { status, stdout } = await sh(`${sleep} & echo done`, { grace: 200 });
    expect({ status, stdout }).toEqual({ status: 0, stdout: "done\n" });
    expect(Date.now() - started).toBeLessThan(10_000);
    expect(execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })).not.toContain(sleep);
  });
});

describe("output", () => {
  it("of any length is kept at its head and its tail", async () => {
    const { stdout } = await sh("echo first; head -c 5000000 /dev/zero | tr '\\0' x; echo; echo last", { keep: 2000 });
    expect(stdout.length).toBeLessThan(2200);
    expect(stdout).toMatch(/^first\n.*left out.*\nx*\nlast\n$/s);
  });

  it("that fits is kept whole", () => {
    const text = new BoundedText(10);
    for (const part of ["ab", "cdefgh", "ij"]) text.add(Buffer.from(part));
    expect(String(text)).toBe("abcdefghij");
    text.add(Buffer.from("k"));
    expect(String(text)).toBe("abcde\n[… 1 bytes left out …]\nghijk");
  });
});
