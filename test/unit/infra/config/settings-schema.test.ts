/** The JSON Schema of stack files is the program's own shapes, every setting is described, and what is committed is not stale. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { DESCRIPTIONS } from "../../../../infra/config/descriptions";
import { KEYS } from "../../../../infra/config/fleet-config";
import { stackFileSchema } from "../../../../infra/config/settings-schema";
import { settingsReference, type StackFileSchema } from "../../../../tools/reference/settings";

const root = resolve(__dirname, "../../../..");
const written = JSON.parse(readFileSync(join(root, "docs/reference/settings.schema.json"), "utf8")) as {
  properties: { config: { properties: Record<string, unknown>; propertyNames: unknown } };
};

it("is what ./scripts/docs writes", () => {
  expect(written).toEqual(JSON.parse(JSON.stringify(stackFileSchema())));
});

it("comes with docs/reference/settings.md as ./scripts/docs writes it", () => {
  const page = settingsReference(written as unknown as StackFileSchema);
  expect(readFileSync(join(root, "docs/reference/settings.md"), "utf8")).toBe(page);
});

it("has a setting for each description", () => {
  const described = [...JSON.stringify(written).matchAll(/"description":("(?:[^"\\]|\\.)*")/g)].map(
    ([, text = ""]) => JSON.parse(text) as string,
  );
  expect(described.sort()).toEqual(Object.values(DESCRIPTIONS).sort());
});

it("has every key of the settings, and refuses any other of their namespace", () => {
  const { properties, propertyNames } = written.properties.config;
  for (const key of [...KEYS, "vmsFile"]) expect(properties, key).toHaveProperty([`nixos-fleet:${key}`]);
  expect(propertyNames).toEqual({
    anyOf: [{ enum: Object.keys(properties) }, { not: { pattern: "^nixos-fleet:" } }],
  });
});
