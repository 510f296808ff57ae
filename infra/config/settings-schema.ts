/** The JSON Schema of a stack's file (`Pulumi.<stack>.yaml`), by which editors complete and check it. Pure. */
import { z } from "zod";
import { settings } from "./fleet-config";
import { googleKeys } from "./google";

/** What Pulumi writes in place of a secret's value. */
const SECURE = { type: "object", properties: { secure: { type: "string" } }, required: ["secure"] };

/** The schema, from the shapes that the program itself checks. What holds between keys is checked by the program alone. */
export function stackFileSchema(): object {
  const properties = {
    ...keysOf("nixos-fleet", settings),
    ...keysOf("gcp", z.object(googleKeys)),
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

function keysOf(namespace: string, shape: z.ZodObject): Record<string, object> {
  const { properties = {} } = z.toJSONSchema(shape, { io: "input", unrepresentable: "any", target: "draft-7" });
  return Object.fromEntries(
    Object.entries(properties).map(([key, value]) => [`${namespace}:${key}`, { anyOf: [value, SECURE] }]),
  );
}
