/** Property values in the plugins' form and in the engine's. */
import { Struct, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";

/** A value that is known only in the real run; the engine sends it in previews. */
export class Unknown {
  readonly unknown = true;
}

export const UNKNOWN = new Unknown();

export type Value = null | boolean | number | string | Unknown | Value[] | { [key: string]: Value };
export type Props = Record<string, Value>;

/** Pulumi's own markers on the wire (sdk/go/common/resource). */
const UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

export function isObject(value: Value | undefined): value is Props {
  return typeof value === "object" && value !== null && value !== UNKNOWN && !Array.isArray(value);
}

/** The text at `key`, or `undefined` if it is absent or unknown. */
export function text(props: Props, key: string): string | undefined {
  const value = props[key];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/**
 * The values that the engine sent. Secrets arrive in clear text: these plugins do not accept secrets, so the engine itself marks every
 * output that has a secret input's name.
 */
export function fromWire(struct: Struct | undefined): Props {
  const value = decode((struct?.toJavaScript() ?? {}) as JavaScriptValue);
  return isObject(value) ? value : {};
}

function decode(value: JavaScriptValue): Value {
  if (value === UNKNOWN_TEXT) return UNKNOWN;
  if (Array.isArray(value)) return value.map(decode);
  if (typeof value !== "object" || value === null) return value;
  const object = value as Record<string, JavaScriptValue>;
  if (object[SIGNATURE] === SECRET) return decode(object["value"] ?? null);
  if (object[SIGNATURE] === OUTPUT) return "value" in object ? decode(object["value"] ?? null) : UNKNOWN;
  return Object.fromEntries(Object.entries(object).map(([key, inner]) => [key, decode(inner)]));
}

/** The values for the engine; those at `secrets` (top level) are marked as secret. */
export function toWire(props: Props, secrets: readonly string[] = []): Struct {
  const marked = Object.entries(props).map(([key, value]) => {
    const encoded = encode(value);
    return [key, secrets.includes(key) ? { [SIGNATURE]: SECRET, value: encoded } : encoded] as const;
  });
  return Struct.fromJavaScript(Object.fromEntries(marked));
}

function encode(value: Value): JavaScriptValue {
  if (value === UNKNOWN) return UNKNOWN_TEXT;
  if (Array.isArray(value)) return value.map(encode);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, encode(inner)]));
}
