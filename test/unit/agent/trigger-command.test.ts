/** How `trigger` ends: what the update came to is in the VM's report. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import * as status from "../../../agent/commands/status";
import { trigger } from "../../../agent/commands/trigger";
import * as requests from "../../../agent/requests";
import type { SystemDriver } from "../../../agent/system/system";

beforeEach(() => {
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  vi.spyOn(requests, "writeRequest").mockReturnValue("");
  vi.spyOn(requests, "startUntilTaken").mockResolvedValue(true);
  vi.spyOn(status, "showStatus").mockResolvedValue(0);
});
afterEach(() => vi.restoreAllMocks());

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
  vi.mocked(requests.startUntilTaken).mockResolvedValue(false);
  await expect(trigger(driver({}), {})).rejects.toThrow("does not start");
});
