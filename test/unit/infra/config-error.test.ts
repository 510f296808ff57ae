import * as pulumi from "@pulumi/pulumi";
import { expect, it } from "vitest";
import { Refusal } from "../../../infra/config-error";

it("tells the engine its mistakes, a line each, and leaves the language host no stack to format", () => {
  const refusal = new Refusal(["gcp:project: must be set", "nixos-fleet:colour: unknown key"]);
  expect(pulumi.RunError.isInstance(refusal)).toBe(true);
  expect(refusal.message).toBe("gcp:project: must be set\nnixos-fleet:colour: unknown key");
  expect(refusal.stack).toBe("");
});
