/** The JSON Schema of a stack's file (`Pulumi.<stack>.yaml`), with which editors complete and check it. Pure. */
import * as z from "zod";
import { DESCRIPTIONS } from "./descriptions";
import { settings } from "./fleet-config";
import { googleKeys } from "./google";

/** Occurs only in the file: it is replaced by `vms` before the settings are checked. */
const fileKeys = { vmsFile: z.string().optional() };

/** What Pulumi writes instead of a secret's value. */
const SECURE = { type: "object", properties: { secure: { type: "string" } }, required: ["secure"] };

/** The schema, from the shapes that the program itself checks. Only the program checks rules between keys. */
export function stackFileSchema(): object {
  const properties = {
    ...keysOf("nixos-fleet", settings.extend(fileKeys), ""),
    ...keysOf("gcp", z.object(googleKeys), "gcp:"),
  };
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "A stack of nixos-fleet",
    type: "object",
    properties: { config: { type: "object", properties, propertyNames: { anyOf: namesOf(properties) } } },
  };
}

/** The keys that a fleet cannot do without. */
export function requiredSettings(): string[] {
  return z.toJSONSchema(settings, { io: "input", unrepresentable: "any" }).required ?? [];
}

/** The known keys of this project, and any key of another program. */
function namesOf(properties: object): object[] {
  return [{ enum: Object.keys(properties) }, { not: { pattern: "^nixos-fleet:" } }];
}

/** @param prefix the prefix of these keys' paths in `DESCRIPTIONS` */
function keysOf(namespace: string, shape: z.ZodObject, prefix: string): Record<string, object> {
  const { properties = {} } = z.toJSONSchema(shape, { io: "input", unrepresentable: "any", target: "draft-7" });
  return Object.fromEntries(
    Object.entries(properties as Record<string, Schema>).map(([key, value]) => {
      const { description, ...described } = describe(value, prefix + key);
      return [`${namespace}:${key}`, { description, anyOf: [described, SECURE] }];
    }),
  );
}

/** The parts of a JSON Schema that are read here. */
interface Schema {
  description?: string | undefined;
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  [other: string]: unknown;
}

/** The same schema with the description of each setting. Throws if a setting has none. */
function describe(schema: Schema, path: string): Schema {
  return { description: descriptionOf(path), ...within(schema, path) };
}

/** Descriptions inside a setting: of its properties, its list elements and its alternatives. */
function within({ properties, items, anyOf, ...rest }: Schema, path: string): Schema {
  return {
    ...rest,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([key, value]) => [key, describe(value, `${path}.${key}`)]),
      ),
    }),
    ...(items && { items: within(items, `${path}[]`) }),
    ...(anyOf && { anyOf: anyOf.map((one) => within(one, path)) }),
  };
}

function descriptionOf(path: string): string {
  const description = DESCRIPTIONS[path];
  if (description === undefined) throw new Error(`infra/config/descriptions.ts has no "${path}"`);
  return description;
}
