import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/runner/sequencer.mts";
import { measurePace } from "./test/setup/measure-pace.mts";

const pace = measurePace();
// Where scripts/setup unpacks what it may not install.
const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
process.env["PATH"] = `${process.env["PATH"] ?? ""}:${join(cache, "nixos-fleet/host/bin")}`;

/** What starts the project's programs starts their bundles. */
const bundle = "test/setup/bundle.ts";

/** Rollouts on machines that reboot, with older agents, and in the other mode, of some ten minutes each: for `--all`. */
const long = ["rollout-kernel", "mixed-agents", "rollout-modes"].map((name) => `test/e2e/${name}.test.ts`);

/** A wait in a test has its own limit and says what it waited for. The test's limit, so many times what it may take, is for what hangs without one. */
const LAST_RESORT = 4;

/** One project a suite; `scripts/test` chooses among them. Clouds with different state directories do not meet, so files run side by side. */
const suite = (name: string, seconds: number, ...globalSetup: string[]) => ({
  // As the examples import it.
  resolve: { alias: { "nixos-fleet": fileURLToPath(new URL("infra/index.ts", import.meta.url)) } },
  test: {
    name,
    globalSetup,
    include: [`test/${name}/**/*.test.ts`],
    exclude: process.env["NIXOS_FLEET_LONG"] === undefined ? long : [],
    testTimeout: seconds * 1000 * pace * LAST_RESORT,
    hookTimeout: seconds * 1000 * pace * LAST_RESORT,
  },
});

/** Files of the suite share the processes of its workers, and the modules that these have loaded. */
const inSharedProcesses = ({ test, ...others }: ReturnType<typeof suite>) => ({
  ...others,
  test: { ...test, isolate: false, setupFiles: "test/setup/same-environment.ts" },
});

export default defineConfig({
  test: {
    // A test that takes this many milliseconds is named.
    slowTestThreshold: 5000,
    // Machines mostly wait, so that more files than cores fit.
    maxWorkers: 6,
    sequence: { sequencer: LongestFirst },
    projects: [
      // Loading the modules again for each file took more than half of this suite's time.
      inSharedProcesses(suite("unit", 30)),
      suite("browser", 60),
      suite("program", 180, bundle),
      suite("nix", 60, bundle),
      suite("agents", 300, bundle),
      suite("faults", 900, bundle),
      suite("e2e", 450, bundle),
    ],
  },
});
