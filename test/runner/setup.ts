/** What the chosen suites need besides the Node modules. */
import { execa } from "execa";
import { project } from "./project";
import type { Row } from "./table";

const machines = ["tools", "image"];

/** Suite → parts of `scripts/setup`. */
const needs: Record<string, readonly string[]> = {
  lint: ["lint"],
  browser: ["browser"],
  program: ["engine"],
  nix: ["nix"],
  agents: machines,
  faults: machines,
  e2e: [...machines, "engine", "browser"],
};

/** Makes it ready, the parts beside each other; answers how long each part took that was not there yet. */
export async function setUp(suites: readonly string[]): Promise<Row[]> {
  const parts = [...new Set(suites.flatMap((suite) => needs[suite] ?? []))];
  if (parts.length === 0) return [];
  // Each part that had to be made: its seconds and its name, on standard output.
  const { stdout } = await execa({ cwd: project, stderr: "inherit" })`scripts/setup --times ${parts}`;
  return [...stdout.matchAll(/^(\d+) (.+)$/gm)].map(([, seconds, name = ""]) => ({ name, seconds: Number(seconds) }));
}
