import * as pulumi from "@pulumi/pulumi";
import { afterEach, expect, it, vi } from "vitest";
import { assertDeclaredOnce } from "../../../infra/declared-once";

afterEach(() => vi.restoreAllMocks());

it("refuses a second fleet of the same name in one run of a program, and no fleet of another run", () => {
  const root = vi.spyOn(pulumi.runtime, "getStackResource");
  root.mockReturnValue({} as never);
  assertDeclaredOnce({ fleet: "devs", stack: "prod" });
  assertDeclaredOnce({ fleet: "ops", stack: "prod" });
  expect(() => assertDeclaredOnce({ fleet: "devs", stack: "prod" })).toThrow(
    'nixos-fleet:fleet: "devs" is declared twice in stack prod; give each Fleet of a program its own argument fleet',
  );
  root.mockReturnValue({} as never);
  assertDeclaredOnce({ fleet: "devs", stack: "prod" });
});
