/** The page as a file: what its policy allows, and that no text leaves its place. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { renderPage } from "../../../../cli/dashboard/page";
import { lockedAges } from "../../../../cli/dashboard/lock-ages";
import { approvalKey } from "../../../../rules/contract";
import { environmentOf, FakeCompute } from "../google/fake-compute";
import { approval, good, report } from "../fleet-samples";
import { runFleet } from "../run-fleet";
import { documentOf, failed, hostile } from "./documents";

const code = { script: "run()", style: "p{}" };
const digest = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

describe("a page", () => {
  const document = documentOf(hostile());
  const { html, policy } = renderPage(document, code);

  it("allows its own script and style by their digests, and nothing from elsewhere", () => {
    expect(policy.split("; ")).toEqual([
      "default-src 'none'",
      `script-src ${digest(code.script)}`,
      `style-src ${digest(code.style)}`,
      "img-src data:",
      "connect-src 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ]);
    expect(renderPage(document, code, { events: "events" }).policy).toContain("connect-src 'self'");
    expect(html).not.toMatch(/(?:src|href)="https?:/);
  });

  it("says how the fleet is before its script runs, and where none runs", () => {
    expect(renderPage(documentOf(failed(3)), code).html).toContain("<h1>Needs attention</h1><p>");
    expect(html).toMatch(/<div id="page"><header class="head verdict-attention">.*<\/header><\/div>/);
  });

  it("has the document as data that no text of a VM ends", () => {
    expect(html.match(/<script/g)).toHaveLength(2);
    expect(html).not.toContain("<img");
    const data = /<script type="application\/json" id="document">(.*)<\/script>/.exec(html)?.[1] ?? "";
    expect(JSON.parse(data)).toEqual(document);
  });
});

describe("fleet status --html", () => {
  let fake: FakeCompute;
  let env: NodeJS.ProcessEnv;
  let directory: string;
  beforeEach(async () => {
    fake = new FakeCompute();
    const endpoint = await fake.start();
    directory = mkdtempSync(join(tmpdir(), "fleet-html-"));
    fake.instances = [
      {
        name: "dev-alice",
        labels: { "nixos-fleet": "devs", "nixos-fleet-stack": "dev", "nixos-fleet-wave": "rest" },
        guest: { "nixos-fleet/system": JSON.stringify(report()) },
      },
    ];
    fake.metadata[approvalKey("devs", "dev", "rest")] = JSON.stringify(approval(good));
    env = {
      PATH: process.env["PATH"],
      ...environmentOf(endpoint),
    };
  });
  afterEach(async () => {
    rmSync(directory, { recursive: true });
    await fake.stop();
  });

  it("writes one file with the document of --json, and says what it could not read", async () => {
    const file = join(directory, "fleet.html");
    const { code: exit, out, err } = await runFleet(["status", "--html", file], env);
    expect([exit, out, err]).toEqual([0, [], [`wrote ${file}`]]);
    expect(readdirSync(directory)).toEqual(["fleet.html"]);
    const html = readFileSync(file, "utf8");
    const data = JSON.parse(/id="document">(.*)<\/script>/.exec(html)?.[1] ?? "{}") as ReturnType<typeof documentOf>;
    expect(data.status.vms.map(({ name }) => name)).toEqual(["dev-alice"]);
    expect(data.problems).toEqual([expect.stringMatching(/^the lock's age is not known: /)]);
    expect(html.length).toBeLessThan(120_000);
  });

  it("refuses a file that cannot be written in one line, and --watch", async () => {
    const { code: exit, err } = await runFleet(["status", "--html", join(directory, "no/file")], env);
    expect([exit, err]).toEqual([
      1,
      [expect.stringMatching(/^status: --html .* cannot be written: no such file or directory \[NF211\]$/)],
    ]);
    const both = await runFleet(["status", "--html", "x", "--watch"], env);
    expect([both.code, both.err[0]]).toEqual([2, expect.stringMatching(/^status: --watch and --html/)]);
    expect(existsSync("x")).toBe(false);
  });
});

it("takes the ages of a lock's own inputs, without what follows another", () => {
  const input = (lastModified: number) => ({
    locked: { type: "github", owner: "o", repo: "r", rev: good, lastModified, narHash: "sha256-x" },
    original: { type: "github", owner: "o", repo: "r" },
  });
  const nodes = {
    root: { inputs: { nixpkgs: "nixpkgs", tool: "tool" } },
    nixpkgs: input(1_700_000_000),
    tool: { ...input(1_800_000_000), inputs: { nixpkgs: ["nixpkgs"] } },
  };
  expect(
    lockedAges(JSON.stringify({ version: 7, root: "root", nodes })).map(({ input: name, at }) => [name, at]),
  ).toEqual([
    ["nixpkgs", "2023-11-14T22:13:20.000Z"],
    ["tool", "2027-01-15T08:00:00.000Z"],
  ]);
});
