/** Reads the script and style of the page: in the package from a file beside this one, in a clone by bundling their sources. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { FleetError } from "../errors";
import { messageOf } from "../../rules/text/system-error";
import { oneLine } from "../../rules/text/text";
import type { PageCode } from "./page";

/** Written by `scripts/pack`. */
const packaged = join(__dirname, "page.json");

export async function readPageCode(): Promise<PageCode> {
  if (existsSync(packaged)) return JSON.parse(readFileSync(packaged, "utf8")) as PageCode;
  const root = resolve(__dirname, "../..");
  try {
    const { stdout } = await execa("node", ["--require", "tsx/cjs", join(root, "tools/bundle-page.ts")], { cwd: root });
    return JSON.parse(stdout) as PageCode;
  } catch (error) {
    throw new FleetError("NF299", oneLine(`the page's code cannot be bundled: ${messageOf(error)}`, 300));
  }
}
