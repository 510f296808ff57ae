import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { selectFields } from "../../../local/api/listing";
import { fingerprintOf } from "../../../local/api/json";
import { parseFilter } from "../../../local/api/filter";
import {
  allocate,
  formatAddress,
  gatewayOf,
  isUsable,
  maskOf,
  overlaps,
  parseAddress,
  parseRange,
} from "../../../local/api/compute/network";
import { transition, type LifecycleEvent } from "../../../local/api/compute/power";
import { checkLabels, checkMetadata } from "../../../local/api/compute/limits";
import { page } from "../../../local/api/listing";
import { parseLink } from "../../../local/api/paths";
import type { Instance, InstanceStatus, Resource } from "../../../local/api/types";

describe("filters", () => {
  const vm = {
    name: "dev-a",
    status: "RUNNING",
    labels: { team: "web", "nixos-fleet": "devs" },
    sizeGb: "20",
    on: false,
  };
  test.each([
    ["", true],
    ["name=dev-a", true],
    ['name="dev-a"', true],
    ["name=dev", false],
    ["name=dev-*", true],
    ["name:dev", true],
    ["labels.team=web AND labels.nixos-fleet=devs", true],
    ["labels.team=web labels.nixos-fleet=other", false],
    ["(labels.team=web) (status=RUNNING)", true],
    ["labels.team=db OR status=RUNNING", true],
    ["labels.team=db OR status=RUNNING AND name=x", false],
    ["NOT labels.team=db", true],
    ["-labels.team=web", false],
    ["labels.team!=web", false],
    ["labels.none!=x", true],
    ["labels.none:*", false],
    ["labels.team:*", true],
    ['name eq "dev-(a|b)"', true],
    ["name eq dev", false],
    ["name ne dev-.*", false],
    ["sizeGb>9", true],
    ["sizeGb<=9", false],
    ["on=false", true],
  ])("%s → %s", (filter, expected) => expect(parseFilter(filter)(vm)).toBe(expected));

  test.each(["name", "name=", "=x", "(name=a", "name=a)", "name=a OR", '"', "name ! a", "name eq ("])(
    "%s is none",
    (filter) => expect(() => parseFilter(filter)(vm)).toThrow("Invalid list filter expression."),
  );
});

describe("partial answers", () => {
  const body = {
    items: { z1: { instances: [{ name: "a", labels: { x: "1" }, big: 1 }] }, z2: { warning: { code: "W", data: [] } } },
    id: 1,
  };
  test("by name, path, star and group", () => {
    expect(selectFields(body, "items/*(instances(name,labels),warning/code),nextPageToken")).toEqual({
      items: { z1: { instances: [{ name: "a", labels: { x: "1" } }] }, z2: { warning: { code: "W" } } },
    });
    expect(selectFields(body, "id")).toEqual({ id: 1 });
    expect(selectFields(body, "items/z1/instances/name,items/z2")).toEqual({
      items: { z1: { instances: [{ name: "a" }] }, z2: body.items.z2 },
    });
  });
  test.each(["", "a(", "a(b", "a,,b", "a)"])("'%s' is none", (fields) =>
    expect(() => selectFields(body, fields)).toThrow("Invalid field selection"),
  );
});

describe("addresses", () => {
  const prefix = fc.integer({ min: 8, max: 29 });
  const range = fc.tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), prefix).map(([address, prefixLength]) => {
    const size = 2 ** (32 - prefixLength);
    return { first: Math.floor(address / size) * size, prefixLength };
  });

  test("written and read they are the same", () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        (address) => parseAddress(formatAddress(address)) === address,
      ),
    ));

  test("a range gives no address twice, none that is not usable, and ends", () => {
    const small = parseRange("10.0.0.0/29");
    const taken = new Set<string>();
    for (
      let address = small && allocate(small, taken);
      address !== undefined;
      address = small && allocate(small, taken)
    ) {
      expect(taken.has(address)).toBe(false);
      taken.add(address);
    }
    expect([...taken]).toEqual(["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"]);
  });

  test("the gateway is never given away", () =>
    fc.assert(
      fc.property(
        range,
        (one) => !isUsable(one, parseAddress(gatewayOf(one)) ?? 0) && allocate(one, new Set()) !== undefined,
      ),
    ));

  test("overlapping is symmetric and reflexive", () =>
    fc.assert(
      fc.property(range, range, (one, other) => overlaps(one, one) && overlaps(one, other) === overlaps(other, one)),
    ));

  test.each(["10.0.0.1/24", "10.0.0.0/33", "10.0.0/24", "10.0.0.256/32", "", "::/64"])("%s is no range", (text) =>
    expect(parseRange(text)).toBeUndefined(),
  );

  test("masks", () => expect(maskOf({ first: 0, prefixLength: 20 })).toBe("255.255.240.0"));
});

describe("an instance's life", () => {
  const at = (status: InstanceStatus) => ({ status }) as Instance;
  const after = (status: InstanceStatus, ...events: LifecycleEvent[]) =>
    events.reduce((instance, event) => transition(instance, event, "now"), at(status)).status;

  test("from nothing to its end", () => {
    expect(after("PROVISIONING", "stage")).toBe("STAGING");
    expect(after("STAGING", "started")).toBe("RUNNING");
    expect(after("RUNNING", "stop")).toBe("STOPPING");
    expect(after("STOPPING", "stopped")).toBe("TERMINATED");
    expect(after("TERMINATED", "begin", "stage", "started")).toBe("RUNNING");
  });
  test("what does not fit changes nothing", () => {
    expect(after("TERMINATED", "stop", "exited", "started")).toBe("TERMINATED");
    expect(after("RUNNING", "begin", "stage", "started")).toBe("RUNNING");
    expect(after("STAGING", "exited", "started")).toBe("TERMINATED");
    expect(after("STOPPING", "exited", "started")).toBe("STOPPING");
  });
  test("times are kept", () => {
    expect(transition(at("STAGING"), "started", "t1").lastStartTimestamp).toBe("t1");
    expect(transition(at("RUNNING"), "exited", "t2").lastStopTimestamp).toBe("t2");
  });
});

describe("limits", () => {
  const metadata = (items: unknown) => () => checkMetadata({ items }, "metadata");
  test("a key may have 128 characters, no more", () => {
    expect(metadata([{ key: "k".repeat(128), value: "" }])).not.toThrow();
    expect(metadata([{ key: "k".repeat(129), value: "" }])).toThrow("Must be a match of regex");
  });
  test("a value of 256 KiB is taken", () => expect(metadata([{ key: "k", value: "x".repeat(262_144) }])).not.toThrow());
  test("bytes count, not characters", () =>
    expect(metadata([{ key: "k", value: "é".repeat(131_073) }])).toThrow("too large"));
  test("a key twice is refused", () => expect(metadata([{ key: "k" }, { key: "k" }])).toThrow("Duplicate"));
  test("equal metadata has equal fingerprints, other has others", () => {
    const print = (value: string) => checkMetadata({ items: [{ key: "k", value }] }, "metadata").fingerprint;
    expect(print("1")).toBe(print("1"));
    expect(print("1")).not.toBe(print("2"));
  });
  test("fingerprints are written as gcloud would write them", () =>
    fc.assert(
      fc.property(fc.string(), (value) => {
        const print = fingerprintOf(value);
        expect(Buffer.from(print, "base64url").toString("base64").replaceAll("+", "-").replaceAll("/", "_")).toBe(
          print,
        );
      }),
    ));
  test.each([{ A: "b" }, { "1a": "b" }, { a: "B" }, { a: "b".repeat(64) }, { a: 1 }, { ["a".repeat(64)]: "" }])(
    "labels %j",
    (labels) => expect(() => checkLabels(labels)).toThrow("violates format constraints"),
  );
  test("labels that fit", () =>
    expect(checkLabels({ a_1: "", "b-2": "é", c: "b".repeat(63) })).toHaveProperty("a_1", ""));
});

test("pages hold everything once, whatever their size", () =>
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.stringMatching(/^[a-z]{1,4}$/), { maxLength: 30 }),
      fc.integer({ min: 1, max: 7 }),
      (names, size) => {
        const all = names.map((name, id) => ({ scope: "global", resource: { name, id: String(id) } as Resource }));
        const seen: string[] = [];
        let pageToken = "";
        do {
          const next = page(all, new URLSearchParams({ maxResults: String(size), pageToken }));
          expect(next.entries.length).toBeLessThanOrEqual(size);
          seen.push(...next.entries.map(({ resource }) => resource.name));
          pageToken = next.nextPageToken ?? "";
        } while (pageToken !== "");
        expect(seen).toEqual([...names].sort());
      },
    ),
  ));

test.each([
  ["https://www.googleapis.com/compute/v1/projects/p/zones/z/disks/d", { project: "p", path: "zones/z/disks/d" }],
  ["http://127.0.0.1:1/compute/beta/projects/p/global/networks/n", { project: "p", path: "global/networks/n" }],
  ["projects/p/regions/r/subnetworks/s", { project: "p", path: "regions/r/subnetworks/s" }],
  ["zones/z/machineTypes/m", { path: "zones/z/machineTypes/m" }],
  ["global/images/family/f", { path: "global/images/family/f" }],
  ["debian-12", undefined],
  ["", undefined],
])("the link %s", (link, expected) => expect(parseLink(link)).toEqual(expected));
