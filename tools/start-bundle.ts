/** Starts one of the bundles in `dist/` with its code's cache: `node dist/tools/start-bundle.js BUNDLE ARGUMENTS…`. */
import { resolve } from "node:path";
import { compile } from "./code-cache";

/** `tools/bundle.ts` makes the cache of a start's code; it may have to end the program for that. */
function saveAtExit(save: () => void): void {
  process.once("exit", save);
  process.once("SIGTERM", () => process.exit());
}

const bundle = resolve(process.argv[2] ?? "");
// As if Node had started the bundle.
process.argv.splice(1, 2, bundle);
const { run, save } = compile(bundle);
if (process.env["NIXOS_FLEET_SAVE_CODE"] !== undefined) saveAtExit(save);
run();
