/** The documents: relative links lead somewhere, and the commands that they name exist. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { commandNames } from "../../cli/command-line/registry";

const root = resolve(__dirname, "../..");
const documents = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "*.md"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  // nix/docs/modules.md becomes a part of docs/modules.md, so its links start there.
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

describe.each(documents)("%s", (name) => {
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
