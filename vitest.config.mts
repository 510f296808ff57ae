import { defineConfig } from "vitest/config";

/** One project a suite; `scripts/test` chooses among them. Real machines are shared, so those suites run one file at a time. */
const suite = (name: string, seconds: number) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: seconds * 1000,
    hookTimeout: seconds * 1000,
    fileParallelism: name === "unit",
  },
});

export default defineConfig({
  test: {
    projects: [suite("unit", 60), suite("program", 300), suite("agents", 600), suite("faults", 1800), suite("e2e", 900)],
  },
});
