/** Before the first test of a suite that starts the project's programs: they are bundled once, so that each start takes a third of the time. */
import { join, resolve } from "node:path";
import { execa } from "execa";

const project = resolve(__dirname, "../..");

export async function setup(): Promise<void> {
  await execa({ stdio: "inherit" })`${join(project, "tools/build")}`;
  // Each start would look for newer sources.
  process.env["NIXOS_FLEET_BUNDLES"] = project;
}
