import * as pulumi from "@pulumi/pulumi";
import { afterEach, expect, it, vi } from "vitest";
import { assertDeclaredOnce } from "../../../infra/declared-once";

afterEach(() => vi.restoreAllMocks());

it("refuses a second fleet of the same name in one run of a program, and no fleet of another run", () => {
  const devs = { project: "acme", fleet: "devs", stack: "prod" };
  const root = vi.spyOn(pulumi.runtime, "getStackResource");
  root.mockReturnValue({} as never);
  assertDeclaredOnce(devs);
  assertDeclaredOnce({ ...devs, fleet: "ops" });
  assertDeclaredOnce({ ...devs, project: "acme-eu" });
  expect(() => assertDeclaredOnce(devs)).toThrow(
    'nixos-fleet:fleet: "devs" is declared twice in stack prod and project acme; give each Fleet of a program its own argument fleet',
  );
  root.mockReturnValue({} as never);
  assertDeclaredOnce(devs);
});
