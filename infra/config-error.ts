import * as pulumi from "@pulumi/pulumi";
import { type ErrorCode, withCode } from "../rules/error-codes";

/**
 * An error that stops a run before anything is changed: a line for each mistake, and the code of their kind. It carries no stack. The
 * language host formats a stack for its trace, which people do not see. Node 20.20's `util.inspect` then takes half a minute for a frame in
 * `node_modules/@pulumi/resource.ts` (its markNodeModules looks for a second `/` that does not exist, and starts over).
 */
export class ConfigError extends pulumi.RunError {
  constructor(
    mistakes: readonly string[],
    readonly code: ErrorCode = "NF101",
  ) {
    super(withCode(mistakes.join("\n"), code));
    this.stack = "";
  }
}
