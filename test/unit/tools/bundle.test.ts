import { resolve } from "node:path";
import { execa } from "execa";
import { beforeAll, expect, it } from "vitest";
import { commandNames } from "../../../cli/command-line/registry";

const project = resolve(__dirname, "../../..");

beforeAll(async () => {
  await execa(resolve(project, "tools/build"));
});

it.each(commandNames)("the bundled tool has the command %s", async (name) => {
  const { stdout } = await execa("node", [resolve(project, "dist/fleet.js"), name, "--help"]);
  expect(stdout).toContain(`fleet ${name}`);
});
