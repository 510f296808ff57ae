/** Image, cache and monitoring in the stack's configuration, and what is decided from them. */
import { describe, expect, it } from "vitest";
import { apisOf } from "../../../../infra/components/apis";
import { imageName, olderImages } from "../../../../infra/components/image";
import { hostsOf, manifestOf } from "../../../../infra/preflight/manifest";
import { digest } from "../../../../infra/config/digest";
import { checkSettings } from "../check-settings";

const publicKey = `cache-1:${"A".repeat(43)}=`;

describe("the configuration", () => {
  it("has neither image nor cache nor monitoring unless it says so", () => {
    const { config } = checkSettings({});
    expect([config?.image, config?.cache, config?.monitoring]).toEqual([undefined, undefined, undefined]);
  });

  it("fills in what they leave open", () => {
    const { config, mistakes } = checkSettings({
      image: { source: "gs://acme-images/archives/nixos-fleet-a81f10e.raw.tar.gz" },
      cache: { bucket: "acme-cache", publicKey },
      monitoring: { channels: ["email:infra@example.com"] },
    });
    expect(mistakes).toEqual([]);
    expect(config).toMatchObject({
      image: { family: "nixos-fleet" },
      monitoring: { daysBehind: 3, silentAfter: 21_600 },
    });
  });

  it.each([
    [
      { image: { source: "gs://acme/X.tar.gz" } },
      'image.source: "gs://acme/X.tar.gz" must be gs://BUCKET/NAME.raw.tar.gz',
    ],
    [{ image: { source: "https://x/y.raw.tar.gz" } }, "must be gs://BUCKET/NAME.raw.tar.gz"],
    [
      { cache: { publicKey } },
      "must have exactly one of bucket (to create), existingBucket (one that exists) and substituter (a URL)",
    ],
    [
      { cache: { bucket: "acme-cache", substituter: "https://cache.example.com", publicKey } },
      "must have exactly one of bucket (to create), existingBucket (one that exists) and substituter (a URL)",
    ],
    [
      { cache: { bucket: "acme-cache", existingBucket: "acme-cache", publicKey } },
      "must have exactly one of bucket (to create), existingBucket (one that exists) and substituter (a URL)",
    ],
    [{ cache: { existingBucket: "Acme", publicKey } }, 'cache.existingBucket: "Acme" must be a bucket\'s name'],
    [{ cache: { bucket: "Acme", publicKey } }, 'cache.bucket: "Acme" must be a bucket\'s name'],
    [{ cache: { substituter: "s3://acme", publicKey } }, 'cache.substituter: "s3://acme" must be an http(s) URL'],
    [{ cache: { bucket: "acme-cache", publicKey: "secret" } }, 'cache.publicKey: "secret" must be a public key'],
    [{ cache: { bucket: "acme-cache" } }, "nixos-fleet:cache.publicKey: must be set"],
    [{ monitoring: { daysBehind: 0 } }, "nixos-fleet:monitoring.daysBehind: 0 "],
    [{ monitoring: { silentAfter: "90m" } }, 'silentAfter: "90m" must be from "2h" to "24h"'],
    [{ monitoring: { silentAfter: "48h" } }, 'silentAfter: "48h" must be from "2h" to "24h"'],
    [{ monitoring: { channels: ["infra@example.com"] } }, 'channels[0]: "infra@example.com" must be email:ADDRESS'],
  ])("refuses %j", (more, line) => {
    const { config, mistakes } = checkSettings(more);
    expect(config).toBeUndefined();
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toContain(line);
  });
});

it("an image is called as its archive", () => {
  expect(imageName("gs://acme/archives/nixos-fleet-a81f10e.raw.tar.gz")).toBe("nixos-fleet-a81f10e");
});

describe("VMs with an older image", () => {
  const link = (name: string) => `https://www.googleapis.com/compute/v1/projects/acme/global/images/${name}`;

  it("are named with what they have and what there is, hosts of links apart", () => {
    const newest = "projects/acme/global/images/b";
    expect(olderImages({ one: { of: link("a"), newest }, two: { of: link("b"), newest } })).toMatch(
      /: one \(a, not b\)\./,
    );
  });

  it("are a short line where they are many", () => {
    const images = Array.from({ length: 1000 }, (_, i) => [
      `dev-${i}`,
      { of: link(i < 600 ? "a" : "b"), newest: link("c") },
    ]);
    const line = olderImages(Object.fromEntries(images) as Parameters<typeof olderImages>[0]) ?? "";
    expect(line).toContain("dev-4, dev-5 and 594 more (a, not c); dev-600, ");
    expect(line.length).toBeLessThan(400);
  });

  it("are none where nothing is newer or nothing is known", () => {
    expect(
      olderImages({ one: { of: link("b"), newest: link("b") }, two: { of: link("a") }, three: {} }),
    ).toBeUndefined();
  });
});

it.each([
  ['{ "dev-bob": "/nix/store/b", "dev-alice": "/nix/store/a" }', ["dev-bob", "dev-alice"]],
  ["{}", []],
  ["no json", []],
])("a manifest %s names the hosts %j", (content, hosts) => {
  expect(hostsOf(content)).toEqual(hosts);
});

it("a manifest is named by its address in the cache and its bytes' digest", () => {
  const revision = "a".repeat(40);
  expect(manifestOf({ substituter: "https://cache.example.com/", publicKey }, revision, "{}\n")).toEqual({
    url: `https://cache.example.com/manifests/${revision}.json`,
    sha256: digest(Buffer.from("{}\n")),
  });
  expect(manifestOf({ bucket: "acme-cache", publicKey }, revision, "{}\n").url).toBe(
    `https://storage.googleapis.com/acme-cache/manifests/${revision}.json`,
  );
});

describe("the APIs", () => {
  const apis = (more: Record<string, unknown>) => {
    const { config, mistakes } = checkSettings(more);
    return config ? apisOf(config) : mistakes;
  };
  const always = ["compute", "iam", "iap", "cloudresourcemanager", "oslogin", "logging"];

  it.each([
    [{}, []],
    [{ cache: { substituter: "https://cache.example.com", publicKey } }, []],
    [{ cache: { bucket: "acme-cache", publicKey } }, ["storage"]],
    [{ image: { source: "gs://acme-images/nixos-fleet-a81f10e.raw.tar.gz" } }, ["storage"]],
    [{ monitoring: {} }, ["monitoring"]],
  ])("of %j are the usual ones and %j", (more, also) => expect(apis(more)).toEqual([...always, ...also]));
});
