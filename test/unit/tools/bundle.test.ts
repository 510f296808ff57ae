import { join, resolve } from "node:path";
import { execa } from "execa";
import { beforeAll, expect, it } from "vitest";
import { commandNames } from "../../../cli/command-line/registry";

const project = resolve(__dirname, "../../..");
const dist = join(project, "dist");

beforeAll(async () => {
  await execa(join(project, "tools/build"));
});

it.each(commandNames)("the bundled tool has the command %s", async (name) => {
  const { stdout } = await execa("node", [join(dist, "tools/start-bundle.js"), join(dist, "fleet.js"), name, "--help"]);
  expect(stdout).toContain(`fleet ${name}`);
});
