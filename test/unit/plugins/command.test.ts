import { execFileSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { until } from "../../setup/until";
import { Plugin, UNKNOWN } from "./client";

const LOCAL = "command:local:Command";
let plugin: Plugin;
let directory: string;

beforeAll(async () => {
  plugin = await Plugin.start("command");
});
afterAll(() => plugin.stop());
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), "plugin-command-"));
  plugin.shown.length = 0;
});
afterEach(() => rmSync(directory, { recursive: true }));

describe("a local command", () => {
  it("runs with its environment, directory and input, and keeps what it printed", async () => {
    const { id, state } = await plugin.create(LOCAL, {
      create: 'echo "$A in $(pwd)"; cat; echo oops >&2',
      environment: { A: "a" },
      dir: directory,
      stdin: "input",
    });
    expect(id).toMatch(/^name[0-9a-f]{8}$/);
    expect(state).toMatchObject({ stdout: `a in ${directory}\ninput`, stderr: "oops", environment: { A: "a" } });
    expect([...plugin.shown].sort()).toEqual([`a in ${directory}`, "input", "oops"]);
  });

  it("shows only what `logging` lets through", async () => {
    await plugin.create(LOCAL, { create: "echo out; echo err >&2", logging: "stderr" });
    await plugin.create(LOCAL, { create: "echo out; echo err >&2", logging: "none" });
    expect(plugin.shown).toEqual(["err"]);
  });

  it("takes the interpreter that it is given", async () => {
    const { state } = await plugin.create(LOCAL, { create: "hello", interpreter: ["echo", "-n"] });
    expect(state["stdout"]).toBe("hello");
  });

  it("without `create` only stands for itself", async () => {
    expect((await plugin.create(LOCAL, { delete: "true" })).state).toEqual({ delete: "true", stdout: "", stderr: "" });
  });

  it("that fails says how, what, and what it printed; nothing is kept", async () => {
    const failing = plugin.create(LOCAL, { create: "echo why >&2; exit 3" });
    await expect(failing).rejects.toThrow('exit status 3: running "echo why >&2; exit 3":\nwhy\n');
  });

  it("that fails with much output says its end", async () => {
    const failing = plugin.create(LOCAL, { create: "seq 1 200000; echo ünd Schluß; exit 1" });
    await expect(failing).rejects.toThrow(/^exit status 1: [\s\S]*characters left out[\s\S]*ünd Schluß\n$/);
    expect(plugin.shown).toContainEqual(expect.stringMatching(/^… \(\d+ lines not shown\)$/));
    expect(plugin.shown.length).toBeLessThan(200_000);
  });

  it("fails by a line on which the official provider hangs, unless it is not shown", async () => {
    const create = "head -c 70000 /dev/zero | tr '\\0' x; echo; echo end";
    await expect(plugin.create(LOCAL, { create })).rejects.toThrow("a line of 70000 bytes");
    const { state } = await plugin.create(LOCAL, { create, logging: "none" });
    expect(state["stdout"]).toHaveLength(70_004);
  });

  it("in a preview runs nothing", async () => {
    const file = path.join(directory, "ran");
    const { state } = await plugin.create(LOCAL, { create: `touch ${file}` }, { preview: true });
    expect(state).toEqual({ create: `touch ${file}`, stdout: UNKNOWN, stderr: UNKNOWN });
    expect(() => readFileSync(file)).toThrow("ENOENT");
  });

  it("updates by `update`, else by `create`, and hands over what was printed before", async () => {
    const olds = { create: "echo 1", stdout: "before", stderr: "" };
    const show = 'echo "$PULUMI_COMMAND_STDOUT"';
    const update = (news: Record<string, string | boolean>) =>
      plugin.update(LOCAL, "id", olds, { create: "echo 1" }, news);
    expect((await update({ create: "echo no", update: show }))["stdout"]).toBe("before");
    expect((await update({ create: show }))["stdout"]).toBe("before");
    expect((await update({ create: show, addPreviousOutputInEnv: false }))["stdout"]).toBe("");
    expect((await update({ delete: "true" }))["stdout"]).toBe("before");
    await expect(update({ create: "exit 1" })).rejects.toThrow("exit status 1");
  });

  it("runs `delete` with the state's inputs", async () => {
    const file = path.join(directory, "deleted");
    const state = {
      delete: `echo $A $PULUMI_COMMAND_STDOUT > ${file}`,
      environment: { A: "a" },
      stdout: "out",
      stderr: "",
    };
    await plugin.delete(LOCAL, "id", state);
    expect(readFileSync(file, "utf8")).toBe("a out\n");
    await plugin.delete(LOCAL, "id", { create: "exit 1", stdout: "", stderr: "" });
  });

  it("changes in place, except by its triggers", async () => {
    const olds = { create: "x", environment: { A: "1" }, triggers: ["1"] };
    const news = { create: "y", environment: { A: "2" }, triggers: ["2"] };
    expect(await plugin.diff(LOCAL, olds, news)).toEqual({
      paths: ["create", "environment.A", "triggers[0]!"],
      deleteFirst: false,
    });
    expect((await plugin.diff(LOCAL, olds, olds)).paths).toEqual([]);
  });

  it("runs beside many others", async () => {
    const [met, end] = [path.join(directory, "met"), path.join(directory, "end")];
    mkdirSync(met);
    execFileSync("mkfifo", [end]);
    const writer = openSync(end, "r+");
    // Each waits until the other end of the pipe is closed.
    const meet = (i: number) => `exec 3<${end}; : >${met}/${i}; read -r line <&3; echo ${i}`;
    const all = Array.from({ length: 40 }, (_, i) => plugin.create(LOCAL, { create: meet(i) }));
    await until("all commands run", 10, () => readdirSync(met).length === 40).finally(() => closeSync(writer));
    expect((await Promise.all(all)).map(({ state }) => state["stdout"])).toEqual(all.map((_, i) => String(i)));
  });

  it("is killed alone when its time is over, and waited for until its children let go of its output", async () => {
    const done = path.join(directory, "done");
    const create = `(sleep 2; touch ${done}) & wait`;
    await expect(plugin.create(LOCAL, { create }, { timeout: 0.5 })).rejects.toThrow(
      "the time in customTimeouts is over",
    );
    expect(existsSync(done)).toBe(true);
  });

  it("does not inherit the launcher's settings", async () => {
    const { state } = await plugin.create(LOCAL, { create: "env" });
    expect(state["stdout"]).not.toContain("TSX_");
  });
});

describe("the check", () => {
  it("refuses what @pulumi/command does not know, and what the stand-in cannot do", async () => {
    const { reasons } = await plugin.check(LOCAL, { creat: "x", logging: "loud" });
    expect(reasons).toEqual([
      "creat is no property that @pulumi/command 1.2.1 knows; did you mean create?",
      "logging must be one of stdout, stderr, stdoutAndStderr, none, not a string",
    ]);
    expect((await plugin.check(LOCAL, { assetPaths: ["x"] })).reasons).toEqual([
      "assetPaths: the local stand-in for the command provider collects no assets",
    ]);
  });

  it("fills in a connection's defaults, and marks it as secret", async () => {
    const { inputs, reasons } = await plugin.check("command:remote:Command", {
      connection: { host: "h", proxy: { host: "p", port: 2222 } },
      create: "x",
    });
    expect(reasons).toEqual([]);
    expect(inputs["connection"]).toEqual({
      "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
      value: {
        host: "h",
        user: "root",
        port: 22,
        dialErrorLimit: 10,
        perDialTimeout: 15,
        proxy: { host: "p", user: "root", port: 2222, dialErrorLimit: 10, perDialTimeout: 15 },
      },
    });
  });

  it("of an unknown type names it", async () => {
    await expect(plugin.check("command:remote:CopyToRemote", {})).rejects.toThrow("command:remote:CopyToRemote");
  });
});

describe("functions", () => {
  it("run a command at every call", async () => {
    const ran = await plugin.invoke("command:local:run", { command: "echo hi" });
    expect(ran).toEqual({ command: "echo hi", stdout: "hi", stderr: "" });
    await expect(plugin.invoke("command:local:nothing", {})).rejects.toThrow("command:local:nothing");
    await expect(plugin.invoke("command:local:run", {})).rejects.toThrow("command is required");
  });
});

describe("the plugin", () => {
  it("runs as many commands as the engine asks for, one after the other and at once, without a warning of Node", async () => {
    const warnings = path.join(directory, "warnings");
    const other = await Plugin.start("command", { NODE_REDIRECT_WARNINGS: warnings });
    try {
      for (let count = 0; count < 12; count++) await other.create(LOCAL, { create: "true" });
      await Promise.all(Array.from({ length: 12 }, () => other.create(LOCAL, { create: "sleep 0.2" })));
      expect(existsSync(warnings) && readFileSync(warnings, "utf8")).toBe(false);
    } finally {
      await other.stop();
    }
  });

  it("kills its commands' shells, and nothing that these started, when the engine cancels", async () => {
    const other = await Plugin.start("command");
    try {
      // No other run's.
      const [long, short] = [`sleep 9${process.pid}`, `sleep 6.5${process.pid}`];
      const alone = other.create(LOCAL, { create: `echo ready; exec ${long}` });
      const outlived = other.create(LOCAL, { create: `echo ready; ${short}; echo $$ >&2; sleep 3 & wait` });
      const failed = [alone, outlived].map((one) => expect(one).rejects.toThrow("cancelled"));
      await until("both commands run", 10, () => other.shown.filter((line) => line === "ready").length === 2);
      const start = Date.now();
      await other.cancel();
      await failed[0];
      expect([running(long), running(short)]).toEqual([false, true]);
      await failed[1];
      expect(Date.now() - start).toBeGreaterThan(1_000);
    } finally {
      await other.stop();
    }
  });
});

function running(command: string): boolean {
  return execFileSync("ps", ["-eo", "args"], { encoding: "utf8" }).split("\n").includes(command);
}
