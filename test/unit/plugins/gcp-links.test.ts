import { describe, expect, it } from "vitest";
import { operationPath } from "../../../local/plugins/gcp/api";
import { imageCandidates } from "../../../local/plugins/gcp/images";
import { sameLink } from "../../../local/plugins/gcp/links";
import { settingsOf } from "../../../local/plugins/gcp/provider";
import { idPath } from "../../../local/plugins/gcp/rest";

describe("names of images", () => {
  it("mean what the official provider takes them for", () => {
    const full = "projects/debian-cloud/global/images/family/debian-12";
    expect(imageCandidates(full, "p")).toEqual([full]);
    expect(imageCandidates(`https://www.googleapis.com/compute/v1/${full}`, "p")).toEqual([full]);
    expect(imageCandidates("global/images/mine", "p")).toEqual(["projects/p/global/images/mine"]);
    expect(imageCandidates("debian-cloud/debian-12", "p")).toEqual([
      "projects/debian-cloud/global/images/debian-12",
      full,
    ]);
    expect(imageCandidates("family/debian-12", "p")).toEqual(["projects/p/global/images/family/debian-12", full]);
    expect(imageCandidates("nixos", "p")).toEqual([
      "projects/p/global/images/nixos",
      "projects/p/global/images/family/nixos",
    ]);
    expect(imageCandidates("debian-12", "p")).toHaveLength(4);
  });
});

describe("references", () => {
  it("are the same on another host or in another version, and else not", () => {
    const link = "projects/p/global/networks/n";
    expect(sameLink(`https://www.googleapis.com/compute/v1/${link}`, `http://127.0.0.1:1/compute/beta/${link}`)).toBe(
      true,
    );
    expect(sameLink(link, `https://www.googleapis.com/compute/v1/${link}`)).toBe(true);
    expect(sameLink(link, `${link}2`)).toBe(false);
    expect(sameLink("a", "b")).toBe(false);
  });

  it("in ids may be short at an import", () => {
    const settings = { settings: { project: "p", zone: "z", labels: {} } };
    const collection = "zones/{zone}/instances";
    for (const id of ["projects/p/zones/z/instances/vm", "p/z/vm", "z/vm", "vm"])
      expect(idPath(collection, id, settings)).toBe("projects/p/zones/z/instances/vm");
    expect(idPath("global/networks", "q/n", settings)).toBe("projects/q/global/networks/n");
  });

  it("lead to operations in their zone, region or project", () => {
    const at = "projects/p/zones/z/instances";
    expect(operationPath(at, { name: "o", zone: "https://x/zones/z" })).toBe("projects/p/zones/z/operations/o");
    expect(operationPath(at, { name: "o", region: "r" })).toBe("projects/p/regions/r/operations/o");
    expect(operationPath(at, { name: "o" })).toBe("projects/p/global/operations/o");
  });
});

describe("the configuration", () => {
  it("wins over the environment, and labels what Pulumi made", () => {
    const env = { GOOGLE_CLOUD_PROJECT: "env", GOOGLE_ZONE: "z" };
    expect(settingsOf({ project: "config" }, env)).toEqual({
      project: "config",
      zone: "z",
      labels: { "goog-pulumi-provisioned": "true" },
    });
    expect(settingsOf({ addPulumiAttributionLabel: "false", defaultLabels: '{"a":"b"}' }, env)).toEqual({
      project: "env",
      zone: "z",
      labels: { a: "b" },
    });
  });
});
