import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** One project a suite; `scripts/test` chooses among them. Clouds with different state directories do not meet, so files run side by side. */
const suite = (name: string, seconds: number) => ({
  // As the examples import it.
  resolve: { alias: { "nixos-fleet": fileURLToPath(new URL("infra/index.ts", import.meta.url)) } },
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: seconds * 1000,
    hookTimeout: seconds * 1000,
  },
});

export default defineConfig({
  test: {
    // Machines mostly wait, so a third file fits on two cores.
    maxWorkers: 3,
    projects: [
      suite("unit", 60),
      suite("program", 300),
      suite("nix", 120),
      suite("agents", 600),
      suite("faults", 1800),
      suite("e2e", 900),
    ],
  },
});
