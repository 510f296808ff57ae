/** The package's manifest: the repository's, with what the package's own scripts need. Pure. */
import { isBuiltin } from "node:module";

export interface Manifest {
  name: string;
  version: string;
  description: string;
  license: string;
  engines: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies?: Record<string, string>;
}

/** The npm packages that scripts require or import, by name. */
export function packagesIn(scripts: readonly string[]): string[] {
  const asked = scripts.flatMap((text) =>
    [...text.matchAll(/\b(?:require|import)\("((?:@[\w-]+\/)?[\w.-]+)(?:\/[^"]*)?"\)/g)].map(([, name = ""]) => name),
  );
  return [...new Set(asked)].filter((name) => !isBuiltin(name) && !name.startsWith(".")).sort();
}

/**
 * @param needed the npm packages that the package requires
 * @throws where one of them is not among the repository's own dependencies: the package would break where that is not installed
 */
export function manifestOf(source: Manifest, needed: readonly string[]): object {
  const { name, version, description, license, engines } = source;
  const missing = needed.filter((one) => source.dependencies[one] === undefined);
  if (missing.length > 0) throw new Error(`package.json: dependencies must have ${missing.join(", ")}`);
  return {
    name,
    version,
    description,
    license,
    engines,
    main: "./infra/index.js",
    types: "./infra/index.d.ts",
    bin: { fleet: "./scripts/fleet" },
    exports: {
      ".": { types: "./infra/index.d.ts", default: "./infra/index.js" },
      "./package.json": "./package.json",
      "./contract.json": "./contract.json",
    },
    dependencies: Object.fromEntries(needed.map((one) => [one, source.dependencies[one]])),
  };
}
