/** VMs are created only from images that exist. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { compute_v1 } from "@googleapis/compute/build/v1";
import { describe, expect, it, onTestFinished } from "vitest";
import { imageReader } from "../../../infra/preflight/existing";
import { requireImages } from "../../../infra/preflight/images";
import { alice, configured } from "./present";

/** A project with these images and families, `KIND PROJECT NAME`. */
const reader = (...there: string[]) => {
  const asked: string[] = [];
  return {
    asked,
    read: (...place: string[]) => {
      asked.push(place.join(" "));
      return Promise.resolve(there.includes(place.join(" ")));
    },
  };
};
const nothing = { vms: [], disks: [] };

describe("the image of a new VM", () => {
  it.each([
    ["nixos-fleet", ["image acme-dev nixos-fleet", "family acme-dev nixos-fleet"], 'no image or family "nixos-fleet"'],
    ["family/own", ["family acme-dev own"], 'no family "own"'],
    ["projects/images/global/images/family/own", ["family images own"], 'project images has no family "own"'],
    ["global/images/own-1", ["image acme-dev own-1"], 'no image "own-1"'],
    ["https://www.googleapis.com/compute/v1/projects/p/global/images/i", ["image p i"], 'project p has no image "i"'],
  ])("%s is looked for, and refused where it is not there", async (image, places, said) => {
    const none = reader();
    await expect(requireImages(configured({ image }), nothing, [], none.read)).rejects.toMatchObject({
      code: "NF101",
      message: expect.stringContaining(said) as string,
    });
    expect(none.asked).toEqual(places);
    await requireImages(configured({ image }), nothing, [], reader(places.at(-1) ?? "").read);
  });

  it("is one line for all VMs that name it", async () => {
    const config = configured({}, { vms: [{ name: "a" }, { name: "b" }, { name: "c", image: "other" }] });
    await expect(requireImages(config, nothing, [], reader("image acme-dev other").read)).rejects.toMatchObject({
      message: expect.stringMatching(
        /^.*nixos-fleet:vms: a, b: project acme-dev has no .*; set defaults\.image.*$/,
      ) as string,
    });
  });

  it("may be one that the stack makes, or in a form that only Compute knows", async () => {
    const image = { source: "gs://acme-images/own-1.raw.tar.gz", family: "own" };
    for (const name of ["own", "family/own", "global/images/own-1"])
      await requireImages(configured({ image: name }, { image }), nothing, [], reader().read);
    await requireImages(configured({ image: "nixos-cloud/nixos" }), nothing, [], reader().read);
  });
});

it("does not matter for a VM that exists, unless it is replaced", async () => {
  const present = { vms: [alice], disks: [] };
  const none = reader();
  await requireImages(configured(), present, [], none.read);
  expect(none.asked).toEqual([]);
  await expect(requireImages(configured(), present, ["dev-alice"], none.read)).rejects.toThrow();
});

it("is missing only if Google says so", async () => {
  const statuses: Record<string, number> = { there: 200, gone: 404, secret: 403 };
  const server = createServer(({ url = "" }, response) => {
    const status = statuses[/images\/(?:family\/)?(\w+)/.exec(url)?.[1] ?? ""] ?? 500;
    response.writeHead(status, { "content-type": "application/json" });
    response.end(
      JSON.stringify(status === 200 ? { name: "x" } : { error: { code: status, message: "x", errors: [] } }),
    );
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const rootUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const hasImage = imageReader(new compute_v1.Compute({ rootUrl, auth: "key" }));
  const found = ["there", "gone", "secret"].flatMap((name) => [
    hasImage("image", "acme-dev", name),
    hasImage("family", "acme-dev", name),
  ]);
  expect(await Promise.all(found)).toEqual([true, true, false, false, true, true]);
});
