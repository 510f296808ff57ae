/** What VMs get besides a name: home disks, labels, protection, schedules. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { HOME_DEVICE } from "../../../../rules/contract";
import { checkSettings } from "../check-settings";

/** The VMs, or what is wrong. */
function vms(more: Record<string, unknown>) {
  const { config, mistakes } = checkSettings(more);
  return config?.vms ?? mistakes;
}

describe("a home disk", () => {
  it.each([
    [undefined, undefined, undefined],
    [undefined, false, undefined],
    [undefined, {}, { sizeGb: 100, type: "pd-balanced" }],
    [{}, undefined, { sizeGb: 100, type: "pd-balanced" }],
    [{ sizeGb: 50, type: "pd-ssd" }, undefined, { sizeGb: 50, type: "pd-ssd" }],
    [{ sizeGb: 50, type: "pd-ssd" }, { sizeGb: 500 }, { sizeGb: 500, type: "pd-ssd" }],
    [{ sizeGb: 50, type: "pd-ssd" }, { type: "pd-standard" }, { sizeGb: 50, type: "pd-standard" }],
    [{}, false, undefined],
  ])("of a fleet with %j and a VM with %j is %j", (homeDisk, own, expected) =>
    expect(
      checkSettings({ defaults: { homeDisk }, vms: [{ name: "a", homeDisk: own }] }).config?.vms[0]?.homeDisk,
    ).toEqual(expected),
  );

  it("has the device name that the profile looks for", () => {
    const profile = readFileSync(resolve(__dirname, "../../../../nix/modules/dev-vm/home-disk.nix"), "utf8");
    expect(profile).toContain(`disk = "/dev/disk/by-id/google-${HOME_DEVICE}";`);
  });

  it("is not there unless someone asks for it", () =>
    expect(checkSettings({}).config?.vms[0]).not.toHaveProperty("homeDisk"));

  it.each([
    [
      { vms: [{ name: "a", homeDisk: true }] },
      "nixos-fleet:vms[0].homeDisk: true must be false or { sizeGb, type }, of 10 to 65536 GB and one of the types pd-standard, pd-balanced, pd-ssd, hyperdisk-balanced",
    ],
    [
      { vms: [{ name: `a${"b".repeat(58)}`, homeDisk: {} }] },
      `nixos-fleet:vms[0].name: "a${"b".repeat(58)}" must have 58 characters at most with a home disk`,
    ],
    [
      { vms: [{ name: "a", homeDisk: {} }, { name: "a-home" }, { name: "b" }, { name: "b-home" }] },
      'nixos-fleet:vms[1].name: "a-home" is the name of the home disk of "a", and a boot disk has its VM\'s name; choose another name',
    ],
    [
      { snapshots: {} },
      "nixos-fleet:snapshots: no VM has a home disk of which there could be some; set defaults.homeDisk or a VM's homeDisk",
    ],
    [
      { snapshots: { at: "05:00" }, defaults: { homeDisk: {} } },
      'nixos-fleet:snapshots.at: "05:00" must be one of 00:00, 04:00, 08:00, 12:00, 16:00, 20:00',
    ],
    [
      { snapshots: { location: "Europe" }, defaults: { homeDisk: {} } },
      'nixos-fleet:snapshots.location: "Europe" must be a region or a multi-region such as eu',
    ],
  ])("%j is refused in one line", (more, line) => expect(checkSettings(more).mistakes).toEqual([line]));

  it("of a VM with a long name is left out by the VM alone", () =>
    expect(
      checkSettings({ defaults: { homeDisk: {} }, vms: [{ name: `a${"b".repeat(62)}`, homeDisk: false }] }).mistakes,
    ).toEqual([]));
});

describe("labels", () => {
  it("are the fleet's and the VM's own above them, and waves find VMs by either", () => {
    const { config, mistakes } = checkSettings({
      defaults: { labels: { "cost-centre": "it", site: "ghent" } },
      vms: [{ name: "a", labels: { "cost-centre": "research" } }, { name: "b" }],
      waves: [
        { name: "research", labels: { "cost-centre": "research", site: "ghent" } },
        { name: "it", labels: { "cost-centre": "it" } },
      ],
    });
    expect(mistakes).toEqual([]);
    expect(config?.vms).toMatchObject([
      { labels: { "cost-centre": "research", site: "ghent" }, wave: "research" },
      { labels: { "cost-centre": "it", site: "ghent" }, wave: "it" },
    ]);
  });

  it.each([
    [
      { Team: "x" },
      'labels.Team: "Team" must be a label key: a lower-case letter, then up to 62 letters, digits, - or _',
    ],
    [{ team: "X" }, 'labels.team: "X" must be a label value: up to 63 lower-case letters, digits, - or _'],
    [{ team: "x".repeat(64) }, /^labels.team: "x+" must be a label value/],
    [
      { "nixos-fleet-wave": "x" },
      'labels.nixos-fleet-wave: "nixos-fleet-wave" must not begin with nixos-fleet or goog: such labels are set by the program and Google',
    ],
    [Object.fromEntries(Array.from({ length: 57 }, (_, i) => [`l${i}`, ""])), /^labels: .* must be 56 labels at most$/],
  ])("%j are refused in one line", (labels, line) => {
    const [mistake = "", ...more] = checkSettings({ vms: [{ name: "a", labels }] }).mistakes;
    expect(more).toEqual([]);
    const own = mistake.replace(/^nixos-fleet:vms\[0\]\./, "");
    if (typeof line === "string") expect(own).toBe(line);
    else expect(own).toMatch(line);
  });
});

describe("protection", () => {
  it.each([
    [{}, {}, { deletionProtection: true, protect: true }],
    [{ deletionProtection: false }, {}, { deletionProtection: false, protect: false }],
    [{ protect: false }, {}, { deletionProtection: true, protect: false }],
    [{ deletionProtection: false, protect: true }, {}, { deletionProtection: false, protect: true }],
    [{}, { deletionProtection: false }, { deletionProtection: false, protect: false }],
    [{ deletionProtection: false }, { deletionProtection: true }, { deletionProtection: true, protect: true }],
  ])("of a fleet with %j and a VM with %j is %j", (fleet, own, expected) =>
    expect(vms({ ...fleet, vms: [{ name: "a", ...own }] })).toMatchObject([expected]),
  );
});
