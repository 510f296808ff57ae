import * as pulumi from "@pulumi/pulumi";

/**
 * What stops a run before anything is changed: a line for each mistake, and nothing else. It carries no stack. The language host formats
 * a stack for its trace, which nobody sees, and Node 20.20's `util.inspect` then takes half a minute over a frame in
 * `node_modules/@pulumi/resource.ts` (its markNodeModules looks for a second `/` that is not there, and starts over).
 */
export class ConfigError extends pulumi.RunError {
  constructor(mistakes: readonly string[]) {
    super(mistakes.join("\n"));
    this.stack = "";
  }
}
