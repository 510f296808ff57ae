/** Quotas that an update would use up. */
import { describe, expect, it } from "vitest";
import { quotaWarnings, quotasOf } from "../../../infra/preflight/quotas";
import { alice, configured, home } from "./present";

const many = (count: number, more: object = {}) =>
  Array.from({ length: count }, (_, i) => ({ name: i === 0 ? "dev-alice" : `dev-${i}`, ...more }));
const quota = (limit: number, usage = 0) => ({ limit, usage });
const none = { vms: [], disks: [] };

describe("the region's quotas", () => {
  const project = {};
  const warned = (vms: object[], region: object, inventory: Parameters<typeof quotaWarnings>[1] = none) =>
    quotaWarnings(configured({}, { vms }), inventory, { project, region: { ...region } });

  it("are no matter where they leave enough, or are not known", () => {
    expect(warned(many(10), { INSTANCES: quota(24, 14), SSD_TOTAL_GB: quota(1000) })).toEqual([]);
    expect(warned(many(10), {})).toEqual([]);
  });

  it("are named with what they leave, in one line", () => {
    const vms = many(10, { homeDisk: { sizeGb: 50, type: "pd-standard" } });
    const region = { INSTANCES: quota(24, 15), SSD_TOTAL_GB: quota(500), DISKS_TOTAL_GB: quota(4096, 3700) };
    expect(warned(vms, region)).toEqual([
      "gcp:region: this update takes more than the quotas of europe-west1 leave: INSTANCES 10 of 9, SSD_TOTAL_GB 1000 of 500, DISKS_TOTAL_GB 500 of 396; " +
        "what is over them is not created. Ask Google for more first (docs/scale.md)",
    ]);
  });

  it("count only what is new", () => {
    const vms = many(2, { homeDisk: { sizeGb: 100 } });
    const region = { INSTANCES: quota(2, 1), SSD_TOTAL_GB: quota(400, 200) };
    expect(warned(vms, region, { vms: [alice], disks: [home] })).toEqual([]);
    expect(warned(vms, region, { vms: [alice], disks: [] })).toEqual([
      expect.stringContaining("SSD_TOTAL_GB 300 of 200"),
    ]);
  });
});

describe("the project's quota of snapshots", () => {
  const warned = (count: number, snapshots: object | undefined, limit = 100) =>
    quotaWarnings(
      configured({}, { vms: many(count, { homeDisk: {} }), ...(snapshots === undefined ? {} : { snapshots }) }),
      none,
      { project: { SNAPSHOTS: quota(limit) }, region: {} },
    );

  it("takes each home disk's snapshots and the newest", () => {
    expect(warned(10, { keepDays: 9 })).toEqual([]);
    expect(warned(10, { keepDays: 10 })).toEqual([
      "nixos-fleet:snapshots: 10 home disks with 11 snapshots each are 110, and the project's quota SNAPSHOTS is 100; once it is used up, Compute takes no " +
        "more and reports no error. Ask Google for more, or set a smaller keepDays",
    ]);
    expect(warned(10, undefined)).toEqual([]);
  });
});

it("quotas are read by their metric", () => {
  expect(quotasOf([{ metric: "INSTANCES", limit: 24, usage: 3 }, { metric: "X" }, {}])).toEqual({
    INSTANCES: { limit: 24, usage: 3 },
  });
  expect(quotasOf(undefined)).toEqual({});
});
