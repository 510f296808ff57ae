/** How `trigger` ends: what the update came to is in the VM's report. */
import { expect, it, vi } from "vitest";
import { trigger } from "../../../agent/commands/trigger";
import type { SystemDriver } from "../../../agent/system/system";

vi.mock("../../../agent/requests", () => ({ startUntilTaken: () => Promise.resolve(taken), writeRequest: () => "" }));
vi.mock("../../../agent/commands/status", () => ({ showStatus: () => Promise.resolve() }));
let taken = true;

const driver = (decision: object) =>
  ({
    prepare: () => undefined,
    place: { runFolder: "/run/none", service: "nixos-auto-update", stateFolder: "/var/none" },
    decideNow: () => Promise.resolve({ nothingApproved: false, reason: "", ...decision }),
  }) as unknown as SystemDriver;

it("succeeds after a run, also after one that failed", async () => {
  expect(await trigger(driver({ outcome: "failed" }), { by: "pulumi up" })).toBe(0);
});

it("fails if nothing is approved, and if the service does not start", async () => {
  await expect(trigger(driver({ nothingApproved: true }), {})).rejects.toThrow("nothing is approved");
  taken = false;
  await expect(trigger(driver({}), {})).rejects.toThrow("does not start");
});
