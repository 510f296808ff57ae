import { createHash } from "node:crypto";
import type { Directory, Json, List, Node } from "./tree";

/** The metadata server's answer for an existing path. */
export interface Rendering {
  contentType: "application/text" | "application/json";
  body: string;
  /** 16 hex digits of the body's hash. */
  etag: string;
}

/** Finds a node by the parts of its path. */
export function find(root: Node, path: readonly string[]): Node | undefined {
  let node: Node | undefined = root;
  for (const part of path) {
    node = node === undefined ? undefined : children(node)[part];
  }
  return node;
}

/** @param query `recursive` and `alt`, as the metadata server defines them */
export function render(node: Node, query: URLSearchParams): Rendering {
  const recursive = query.get("recursive")?.toLowerCase() === "true";
  const alt = query.get("alt")?.toLowerCase();
  if (node.kind === "value") {
    return alt === "json" || isObject(node.json) ? json(node.json) : text(textOf(node.json));
  }
  if (!recursive) {
    const names = Object.entries(children(node)).map(([name, child]) => (child.kind === "value" ? name : `${name}/`));
    return alt === "json" ? json(names) : text(names.map((name) => `${name}\n`).join(""));
  }
  return alt === "text" ? text(lines(node, "").join("")) : json(toJson(node));
}

function etagOf(body: string): string {
  return createHash("sha256").update(body).digest("hex").slice(0, 16);
}

function text(body: string): Rendering {
  return { contentType: "application/text", body, etag: etagOf(body) };
}

function json(content: unknown): Rendering {
  const body = JSON.stringify(content);
  return { contentType: "application/json", body, etag: etagOf(body) };
}

function children(node: Node): Record<string, Node> {
  switch (node.kind) {
    case "value":
      return {};
    case "directory":
      return node.entries;
    case "list":
      return Object.fromEntries(node.items.map((item, index) => [String(index), item]));
  }
}

function toJson(node: Node): unknown {
  switch (node.kind) {
    case "value":
      return node.json;
    case "list":
      return node.items.map(toJson);
    case "directory":
      return Object.fromEntries(
        shown(node).map(([name, child]) => [node.verbatim === true ? name : camelCase(name), toJson(child)]),
      );
  }
}

function lines(node: Directory | List, prefix: string): string[] {
  return shown(node).flatMap(([name, child]) =>
    child.kind === "value" ? [`${prefix}${name} ${textOf(child.json)}\n`] : lines(child, `${prefix}${name}/`),
  );
}

function shown(node: Directory | List): [string, Node][] {
  return Object.entries(children(node)).filter(([, child]) => child.kind !== "value" || child.hidden !== true);
}

function textOf(content: Json): string {
  if (typeof content !== "object") {
    return String(content);
  }
  return isObject(content) ? JSON.stringify(content) : content.map((item) => `${item}\n`).join("");
}

function isObject(content: Json): content is Readonly<Record<string, string | number>> {
  return typeof content === "object" && !Array.isArray(content);
}

function camelCase(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
