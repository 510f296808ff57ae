/** Which Node the package's scripts need: they `require` npm packages that are ES modules, which Node does from 20.19 and 22.12 on. */

/** Of `package.json`. */
export const engines = "^20.19.0 || >=22.12.0";

const CHECK =
  'const [major, minor] = process.versions.node.split(".").map(Number); ' +
  "const fits = major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19);";
const SAID = '"this is Node " + process.versions.node + "; 20.19 or 22.12 or newer is needed"';

/** Before a script that is loaded by others: says so instead of Node, which names a file of an npm package. It stays strict, as its sources are. */
export const banner = `"use strict"; { ${CHECK} if (!fits) throw new Error("nixos-fleet: " + ${SAID}); }`;

/** The tool as npm installs it. */
export const launcher = `#!/usr/bin/env node
${CHECK}
if (fits) require("../fleet.js");
else {
  console.error("fleet: " + ${SAID});
  process.exitCode = 2;
}
`;
