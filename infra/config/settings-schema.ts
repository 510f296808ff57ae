/** The JSON Schema of a stack's file (`Pulumi.<stack>.yaml`), by which editors complete and check it. Pure. */
import { z } from "zod";
import { DESCRIPTIONS } from "./descriptions";
import { settings } from "./fleet-config";
import { googleKeys } from "./google";

/** What is in the file alone: it has become `vms` before the settings are checked. */
const fileKeys = { vmsFile: z.string().optional() };

/** What Pulumi writes in place of a secret's value. */
const SECURE = { type: "object", properties: { secure: { type: "string" } }, required: ["secure"] };

/** The schema, from the shapes that the program itself checks. What holds between keys is checked by the program alone. */
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

/** The known keys of this project, and whatever belongs to another program. */
function namesOf(properties: object): object[] {
  return [{ enum: Object.keys(properties) }, { not: { pattern: "^nixos-fleet:" } }];
}

/** @param prefix what the paths of these keys begin with in `DESCRIPTIONS` */
function keysOf(namespace: string, shape: z.ZodObject, prefix: string): Record<string, object> {
  const { properties = {} } = z.toJSONSchema(shape, { io: "input", unrepresentable: "any", target: "draft-7" });
  return Object.fromEntries(
    Object.entries(properties as Record<string, Schema>).map(([key, value]) => {
      const { description, ...described } = describe(value, prefix + key);
      return [`${namespace}:${key}`, { description, anyOf: [described, SECURE] }];
    }),
  );
}

/** What of a JSON Schema is read here. */
interface Schema {
  description?: string | undefined;
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  [other: string]: unknown;
}

/** The same schema with the description of each setting in it. Throws where one has none. */
function describe(schema: Schema, path: string): Schema {
  return { description: descriptionOf(path), ...within(schema, path) };
}

/** Descriptions inside of a setting: of its properties, its list's elements' and its alternatives'. */
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
