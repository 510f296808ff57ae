import * as pulumi from "@pulumi/pulumi";
import { expect, it } from "vitest";
import { ConfigError } from "../../../../infra/config-error";

it("tells the engine its mistakes, a line each, with the code of their kind, and leaves the language host no stack to format", () => {
  const configError = new ConfigError(["gcp:project: must be set", "nixos-fleet:colour: unknown key"]);
  expect(pulumi.RunError.isInstance(configError)).toBe(true);
  expect(configError.message).toBe("gcp:project: must be set\nnixos-fleet:colour: unknown key [NF101]");
  expect(configError.stack).toBe("");
});
