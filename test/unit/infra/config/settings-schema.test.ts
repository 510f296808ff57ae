/** The JSON Schema of stack files is the program's own shapes, and what is committed is not stale. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { KEYS } from "../../../../infra/config/fleet-config";
import { stackFileSchema } from "../../../../infra/config/settings-schema";

const root = resolve(__dirname, "../../../..");
const written = JSON.parse(readFileSync(join(root, "docs/settings.schema.json"), "utf8")) as {
  properties: { config: { properties: Record<string, unknown>; propertyNames: unknown } };
};

it("is what ./scripts/docs writes", () => {
  expect(written).toEqual(JSON.parse(JSON.stringify(stackFileSchema())));
});

it("has every key of the settings, and refuses any other of their namespace", () => {
  const { properties, propertyNames } = written.properties.config;
  for (const key of KEYS) expect(properties, key).toHaveProperty([`nixos-fleet:${key}`]);
  expect(propertyNames).toEqual({
    anyOf: [{ enum: Object.keys(properties) }, { not: { pattern: "^nixos-fleet:" } }],
  });
});
