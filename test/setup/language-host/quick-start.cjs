/**
 * Loaded before the Pulumi SDK by the language host and the program's server of the tests: spares it what it loads or computes at every
 * start and no test looks at. It is half of the CPU time of a language host that declares a few VMs.
 */
const Module = require("node:module");

/** TypeScript's compiler, and the reader of package trees: both are for serialized functions, which the program has none of. */
const unused = new Set(["typescript", "ts-node", "@npmcli/arborist"]);
const load = Module._load;
Module._load = function (request, ...rest) {
  return unused.has(request) ? {} : load.call(this, request, ...rest);
};

/** The SDK notes a stack for each request; source-map-support would look every frame up in maps that a bundle does not have. */
Object.defineProperty(Error, "prepareStackTrace", { get: () => undefined, set: () => undefined });
