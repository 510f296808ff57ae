import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

/** Which folder may import which: dependencies point one way. */
const mayNotImport = (from, folders) => ({
  files: [`${from}/**/*.ts`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: folders.map((folder) => ({
          regex: `^\\.\\./(\\.\\./)*${folder}/`,
          message: `${from} does not depend on ${folder}`,
        })),
      },
    ],
  },
});

export default defineConfig(
  globalIgnores(["build", "dist", "node_modules", ".local", "templates"]),
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
  },
  {
    files: ["**/*.ts"],
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // `const { vms, ...wave }` is how one says "without".
      "@typescript-eslint/no-unused-vars": ["error", { ignoreRestSiblings: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "max-lines": ["error", { max: 300, skipBlankLines: true, skipComments: true }],
    },
  },
  mayNotImport("infra", ["cli", "local", "scripts"]),
  mayNotImport("cli", ["infra", "local", "scripts"]),
  mayNotImport("local", ["infra", "cli", "scripts"]),
  mayNotImport("rules", ["infra", "cli", "local", "scripts"]),
  mayNotImport("policy", ["infra", "cli", "local", "scripts"]),
);
