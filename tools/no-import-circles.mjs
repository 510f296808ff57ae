/** An ESLint rule: no file imports itself by way of others, not even for types. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const importLine = /^(?:import\s*|(?:import|export)\b[^;"=(]*?\bfrom\s*)"(\.[^"]+)"/gm;

/** Path → its imports, with the time of the file that they were read from. */
const known = new Map();

/** The files that a file imports, of those that lie beside it in this project. */
function importsOf(path) {
  const { mtimeMs } = statSync(path);
  const before = known.get(path);
  if (before?.mtimeMs === mtimeMs) return before.imports;
  const written = [...readFileSync(path, "utf8").matchAll(importLine)].map(([, specifier]) => specifier);
  const imports = written.flatMap((specifier) => fileOf(path, specifier) ?? []);
  known.set(path, { mtimeMs, imports });
  return imports;
}

function fileOf(from, specifier) {
  const base = resolve(dirname(from), specifier);
  return [base, `${base}.ts`, join(base, "index.ts")].find((path) => /\.m?ts$/.test(path) && existsSync(path));
}

/** The way from one file to another by imports; undefined where there is none, but for what was `seen` before. */
function wayTo(from, target, seen) {
  if (from === target) return [from];
  if (seen.has(from)) return undefined;
  seen.add(from);
  for (const next of importsOf(from)) {
    const rest = wayTo(next, target, seen);
    if (rest !== undefined) return [from, ...rest];
  }
  return undefined;
}

export const noImportCircles = {
  meta: { type: "problem", schema: [], messages: { circle: "imports make a circle: {{way}}" } },
  create(context) {
    const seen = new Set();
    const check = (node) => {
      const specifier = node.source?.value;
      if (typeof specifier !== "string" || !specifier.startsWith(".")) return;
      const file = fileOf(context.filename, specifier);
      const way = file === undefined ? undefined : wayTo(file, context.filename, seen);
      if (way === undefined) return;
      const names = [context.filename, ...way].map((path) => relative(context.cwd, path));
      context.report({ node, messageId: "circle", data: { way: names.join(" → ") } });
    };
    return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check };
  },
};
