/** Each version of jq links the agents' programs, as bash hands them over. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { nativeJq, partsOf, wasmJq, type Jq, type MissingJq } from "./jq";

const agent = join(__dirname, "../../../nix/agent");

/** The programs in the agents' bash that include a file, with every other argument as it is there. */
function programs(): [file: string, text: string][] {
  const inBash = readdirSync(agent)
    .filter((file) => file.endsWith(".bash"))
    .flatMap((file) =>
      [...readFileSync(join(agent, file), "utf8").matchAll(/'(\s*include [^']*)'/g)].map(
        ([, text = ""]): [string, string] => [file, text],
      ),
    );
  const files = readdirSync(agent)
    .filter((file) => file.endsWith(".jq"))
    .map((file): [string, string] => [file, readFileSync(join(agent, file), "utf8")])
    // The others define functions only.
    .filter(([, text]) => !text.trimEnd().endsWith(";"));
  return [...inBash, ...files];
}

describe.each(["native", "jq-1.7", "jq-1.8"] as const)("%s", (name) => {
  let jq: Jq | MissingJq;
  beforeAll(async () => {
    jq = name === "native" ? nativeJq() : await wasmJq(name);
    if ("missing" in jq) console.log(`skipped: ${jq.missing}`);
  });

  it.each(programs())("links the program in %s", async (_, text) => {
    if ("missing" in jq) return;
    const { includes, body } = partsOf(text);
    const named = ["contract", "event", "where", "state", "offline"].map((name) => `null as $${name} | `).join("");
    // Linked, and not run.
    const linked = `${includes} ${named} if . then null else (${body}) end`;
    await expect(jq.run(agent, linked, [true])).resolves.toEqual([null]);
  });
});
