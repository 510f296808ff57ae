/**
 * What a Pulumi package's TypeScript declarations define as resources' inputs. npm provides no other description of the official
 * provider. The declarations are generated, so a small reader of their few forms is enough.
 */
import * as fs from "node:fs";
import * as path from "node:path";

export type Shape =
  | { kind: "string" | "number" | "boolean" | "any" }
  | { kind: "literals"; values: string[] }
  | { kind: "array" | "map"; of: Shape }
  | { kind: "object"; name: string; properties: () => Properties };

export type Properties = Record<string, { shape: Shape; required: boolean }>;

/** Reads the declarations of one installed package, each file and each interface at most once. */
export class Typings {
  readonly #files = new Map<string, string>();
  readonly #exported = new Map<string, Properties>();
  /** Namespace → its part of the input types, which are several megabytes in total. */
  readonly #scopes = new Map<string, string>();

  /** @param root the package's directory */
  constructor(readonly root: string) {}

  /** The package's name and version, for messages. */
  get label(): string {
    const { name, version } = this.manifest;
    return `${name} ${version}`;
  }

  get manifest(): { name: string; version: string } {
    return JSON.parse(this.#read("package.json")) as { name: string; version: string };
  }

  /** An exported interface's properties. Throws if the file or the interface does not exist. */
  exported(file: string, name: string): Properties {
    const what = `${file}: ${name}`;
    const known = this.#exported.get(what);
    if (known !== undefined) return known;
    const found = this.#properties(between(this.#read(file), `\nexport interface ${name} {\n`, "\n}"), what);
    this.#exported.set(what, found);
    return found;
  }

  #input(namespace: string, name: string): Properties {
    const scope = this.#scope(namespace);
    return this.#properties(between(scope, `\n    interface ${name} {\n`, "\n    }"), `${namespace}.${name}`);
  }

  #scope(namespace: string): string {
    const known = this.#scopes.get(namespace);
    if (known !== undefined) return known;
    const scope = between(this.#read("types/input.d.ts"), `\nexport declare namespace ${namespace} {`, "\n}") ?? "";
    this.#scopes.set(namespace, scope);
    return scope;
  }

  #literals(namespace: string, name: string): string[] {
    const file = this.#read(`types/enums/${namespace}/index.d.ts`);
    const body =
      between(file, `\nexport declare const ${name}: {\n`, "\n}") ?? between(`\n${file}`, `const ${name}: {\n`, "\n}");
    return [...(body ?? "").matchAll(/: "([^"]*)"/g)].map((match) => match[1] ?? "");
  }

  #properties(body: string | undefined, what: string): Properties {
    if (body === undefined) throw new Error(`${this.label} declares no ${what}`);
    const reader = new Reader(body.replace(/\/\*[\s\S]*?\*\//g, ""), (name) => this.#named(name));
    return reader.properties();
  }

  #named(name: string): Shape {
    const [kind, namespace, leaf] = name.split(".");
    if (namespace === undefined || leaf === undefined) return { kind: "any" };
    if (kind === "enums") return { kind: "literals", values: this.#literals(namespace, leaf) };
    if (kind !== "inputs") return { kind: "any" };
    let known: Properties | undefined;
    return { kind: "object", name: leaf, properties: () => (known ??= this.#input(namespace, leaf)) };
  }

  #read(file: string): string {
    const known = this.#files.get(file);
    if (known !== undefined) return known;
    const text = fs.readFileSync(path.join(this.root, file), "utf8");
    this.#files.set(file, text);
    return text;
  }
}

function between(text: string, start: string, end: string): string | undefined {
  const from = text.indexOf(start);
  if (from < 0) return undefined;
  const to = text.indexOf(end, from + start.length - 1);
  return to < 0 ? undefined : text.slice(from + start.length, to);
}

/** Reads `name?: Type;` lists in the forms that Pulumi's generator writes. */
class Reader {
  readonly #tokens: string[];
  #at = 0;

  constructor(
    text: string,
    readonly named: (name: string) => Shape,
  ) {
    this.#tokens = text.match(/"[^"]*"|[A-Za-z_$][\w.$]*|[<>[\]{}()|:;?,]/g) ?? [];
  }

  properties(): Properties {
    const found: Properties = {};
    for (let name = this.#next(); name !== undefined; name = this.#next()) {
      const required = !this.#take("?");
      this.#take(":");
      found[name.replaceAll('"', "")] = { shape: this.#union(), required };
      this.#take(";");
    }
    return found;
  }

  #union(): Shape {
    const members: Shape[] = [];
    do {
      const member = this.#postfix();
      if (member) members.push(member);
    } while (this.#take("|"));
    const [first] = members;
    if (first && members.length === 1) return first;
    const values = members.flatMap((member) => (member.kind === "literals" ? member.values : []));
    return members.length > 0 && members.every(({ kind }) => kind === "literals")
      ? { kind: "literals", values }
      : { kind: "any" };
  }

  #postfix(): Shape | undefined {
    let shape = this.#primary();
    while (this.#take("[")) {
      this.#take("]");
      shape = { kind: "array", of: shape ?? { kind: "any" } };
    }
    return shape;
  }

  #primary(): Shape | undefined {
    const token = this.#next() ?? "";
    if (token === "undefined") return undefined;
    if (token === "string" || token === "number" || token === "boolean" || token === "any") return { kind: token };
    if (token.startsWith('"')) return { kind: "literals", values: [token.slice(1, -1)] };
    if (token === "{") return this.#map();
    if (this.#take("<")) {
      const inner = this.#union();
      this.#take(">");
      return token === "pulumi.Input" ? inner : { kind: "any" };
    }
    return this.named(token);
  }

  /** `{ [key: string]: T; }`, after its `{` was read. */
  #map(): Shape {
    for (const token of ["[", "key", ":", "string", "]", ":"]) this.#take(token);
    const of = this.#union();
    this.#take(";");
    this.#take("}");
    return { kind: "map", of };
  }

  #next(): string | undefined {
    return this.#tokens[this.#at++];
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }
}
