/** The documents: links lead somewhere, calls of the tool are calls, and settings, options and codes that they name exist. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parseCall } from "../../cli/command-line/command";
import { commandName, commandNames } from "../../cli/command-line/registry";
import { usage } from "../../agent/commands/usage";
import { KEYS } from "../../infra/config/fleet-config";
import { errorKinds } from "../../rules/error-codes";
import { commands } from "./cli/run-fleet";

const root = resolve(__dirname, "../..");
const documents = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "*.md"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  // nix/docs/modules.md becomes a part of docs/reference/modules.md, so its links start there.
  .filter((name) => !["", "nix/docs/modules.md"].includes(name) && existsSync(join(root, name)));

const text = (name: string) => readFileSync(join(root, name), "utf8");

/** The anchors of a document's headings, as GitHub makes them. */
function anchors(markdown: string): string[] {
  const headings = [...markdown.matchAll(/^#+ +(.*)$/gm)].map(([, heading = ""]) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** What a shell makes of a call's words, as far as documents use quotes. */
const words = (call: string) =>
  [...call.matchAll(/"([^"]*)"|'([^']*)'|\S+/g)].map(([word, double, single]) => double ?? single ?? word);

/** Calls of a program: in code between backticks, and in indented lines up to a comment, or a gap before what it does. */
function callsOf(markdown: string, program: string): string[] {
  const inline = [...markdown.matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);
  const lines = [...markdown.matchAll(/^ {4,}(?:\$ )?(\S.*)$/gm)].map(([, line = ""]) =>
    line.replace(/ +(#.*|(?<= ) {2,}\S.*)$/, ""),
  );
  const start = new RegExp(`^${program} ([a-z-].*)$`);
  const calls = [...inline, ...lines]
    .flatMap((code) => code.split(/ (?:&&|\|) /))
    .map((code) => start.exec(code.trim())?.[1]);
  // What is left open between brackets is a summary of several calls.
  const whole = calls.filter((call) => call !== undefined).filter((call) => !/[[\]<>|…]/.test(call));
  return whole.map((call) => call.replaceAll(/\bSTACK\b/g, "prod"));
}

const modules = text("docs/reference/modules.md");

describe.each(documents)("%s", (name) => {
  it("calls the tool as it can be called", () => {
    for (const call of callsOf(text(name), "(?:npx |\\./scripts/|nix run [^ ]+ -- )?fleet")) {
      const [command = "", ...rest] = words(call);
      if (command.startsWith("-") || command === "help" || rest.length === 0) continue;
      expect(() => parseCall(commands[commandName(command)], rest), `fleet ${call} in ${name}`).not.toThrow();
    }
  });

  it("names settings, options and codes that exist", () => {
    const markdown = text(name);
    const keys = [...markdown.matchAll(/\bnixos-fleet:([a-zA-Z]+)/g)].map(([, key]) => key);
    for (const key of keys) expect([...KEYS, "vmsFile"], `nixos-fleet:${key} in ${name}`).toContain(key);
    const codes = [...markdown.matchAll(/\bNF\d{3}\b/g)].map(([code]) => code);
    for (const code of codes) expect(Object.keys(errorKinds), `${code} in ${name}`).toContain(code);
    const options = [...markdown.matchAll(/\bservices\.nixos-(?:hm-)?auto-update\.\w+/g)].map(([option]) => option);
    for (const option of options) expect(modules, `${option} in ${name}`).toContain(option);
    for (const agent of ["nixos-auto-update", "nixos-hm-auto-update"] as const) {
      const known = usage[agent].commands.map((command) => command.name);
      for (const call of callsOf(markdown, `(?:sudo )?${agent}`))
        if (!/^(-|help\b)/.test(call)) expect(known, `${agent} ${call} in ${name}`).toContain(words(call)[0]);
    }
  });

  it("links to what is there", () => {
    const links = [...text(name).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
    for (const link of links.filter((one) => !/^[a-z]+:/.test(one))) {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? join(root, name) : resolve(root, dirname(name), path);
      expect(existsSync(target), `${link} in ${name}`).toBe(true);
      if (anchor !== undefined && statSync(target).isFile())
        expect(anchors(readFileSync(target, "utf8")), `${link} in ${name}`).toContain(anchor);
    }
  });

  it("names commands that exist", () => {
    const tool = [...text(name).matchAll(/`(?:npx |\.\/scripts\/)?fleet ([a-z]+)\b/g)].map(
      ([, command = ""]) => command,
    );
    for (const command of tool) expect(commandNames, `fleet ${command} in ${name}`).toContain(command);
    const scripts = [...text(name).matchAll(/`\.\/scripts\/([a-z-]+)/g)].map(([, script = ""]) => script);
    for (const script of scripts) expect(existsSync(join(root, "scripts", script)), `./scripts/${script}`).toBe(true);
  });
});
