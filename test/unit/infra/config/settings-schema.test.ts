/** The JSON Schema of stack files is the program's own shapes, every setting is described, and what is committed is not stale. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  createProgram,
  displayPartsToString,
  forEachChild,
  isInterfaceDeclaration,
  type Node,
  type Symbol,
} from "typescript";
import { expect, expectTypeOf, it } from "vitest";
import type * as z from "zod";
import { DESCRIPTIONS } from "../../../../infra/config/descriptions";
import { KEYS, type settings } from "../../../../infra/config/fleet-config";
import type { FleetSettings } from "../../../../infra/config/fleet-settings";
import { requiredSettings, stackFileSchema } from "../../../../infra/config/settings-schema";
import { settingsReference, type StackFileSchema } from "../../../../tools/reference/settings";
import { settingsType } from "../../../../tools/reference/settings-type";

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

it("comes with the interface as ./scripts/docs writes it, which is the type that the program takes", async () => {
  const text = await settingsType(written as unknown as StackFileSchema, requiredSettings());
  expect(readFileSync(join(root, "infra/config/fleet-settings.ts"), "utf8")).toBe(text);
  // The compiler compares the types.
  expectTypeOf<FleetSettings>().toEqualTypeOf<z.input<typeof settings>>();
});

it("describes every argument of a fleet where an editor shows it", () => {
  const files = ["infra/fleet-args.ts", "infra/config/fleet-settings.ts"].map((file) => join(root, file));
  // Only these two files: what they import describes no argument.
  const program = createProgram(files, { noResolve: true, strict: true, lib: ["lib.es2023.d.ts"], types: [] });
  const checker = program.getTypeChecker();
  const argumentsOf = (node: Node): Symbol[] | undefined =>
    isInterfaceDeclaration(node) && node.name.text === "FleetArgs"
      ? checker.getTypeAtLocation(node).getProperties()
      : forEachChild(node, argumentsOf);
  const [file = ""] = files;
  const source = program.getSourceFile(file) ?? expect.unreachable(file);
  const args = argumentsOf(source) ?? [];
  const expected = [...KEYS, "vmsFile", "project", "region", "zone"];
  expect(args.map(({ name }) => name).sort()).toEqual(expected.sort());
  const undescribed = args.filter((one) => displayPartsToString(one.getDocumentationComment(checker)) === "");
  expect(undescribed.map(({ name }) => name)).toEqual([]);
});
