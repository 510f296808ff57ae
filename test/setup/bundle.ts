/** Before the first test of a suite that starts the project's programs: they are bundled once, so that each start takes a third of the time. */
import { resolve } from "node:path";
import { execa } from "execa";

export async function setup(): Promise<void> {
  await execa({ stdio: "inherit" })`${resolve(__dirname, "../../tools/build")}`;
}
