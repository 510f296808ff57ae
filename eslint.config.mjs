import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";
import { noImportCircles } from "./tools/no-import-circles.mjs";

/** Which folder may import which: dependencies point one way. `packages` is a pattern of the packages that it may use; any by default. */
const mayNotImport = (from, folders, packages = /./) => ({
  files: [`${from}/**/*.ts`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          ...folders.map((folder) => ({
            regex: `^\\.\\./(\\.\\./)*${folder}/`,
            message: `${from} does not depend on ${folder}`,
          })),
          { regex: `^(?!\\.|${packages.source})`, message: `${from} uses no such package` },
        ],
      },
    ],
  },
});

export default defineConfig(
  globalIgnores(["build", "dist", "node_modules", ".local", "templates"]),
  {
    files: ["**/*.ts", "**/*.tsx"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: ["tsconfig.json", "cli/dashboard/view/tsconfig.json"] } },
  },
  {
    files: ["**/*.ts", "**/*.tsx"],
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // `const { vms, ...wave }` is how one says "without".
      "@typescript-eslint/no-unused-vars": ["error", { ignoreRestSiblings: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "max-lines": ["error", { max: 300, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ["**/*.ts", "**/*.tsx"],
    plugins: { imports: { rules: { "no-circles": noImportCircles } } },
    rules: { "imports/no-circles": "error" },
  },
  mayNotImport("infra", ["cli", "local", "scripts"]),
  mayNotImport("cli", ["infra", "local", "scripts"]),
  mayNotImport("local", ["infra", "cli", "scripts"]),
  // They run on VMs as well, where there is nothing but Node.
  mayNotImport("rules", ["agent", "infra", "cli", "local", "scripts"], /node:crypto$/),
  mayNotImport("agent", ["infra", "cli", "local", "scripts"], /node:/),
  mayNotImport("policy", ["infra", "cli", "local", "scripts"]),
);
