/** A name that a VM or a disk of no fleet has stops the update before anything is changed. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { compute_v1 } from "@googleapis/compute/build/v1";
import { expect, it, onTestFinished } from "vitest";
import { foreignLister, requireFreeNames, type ListForeign } from "../../../infra/preflight/foreign";
import { alice, configured, home } from "./present";

const nothing = { vms: [], disks: [] };
const homeDisk = { sizeGb: 100 };

/** A project with these names in each zone, and what was asked. */
function project(names: Partial<Record<"instances" | "disks", string[]>>) {
  const asked: string[] = [];
  const list: ListForeign = (kind, zone) => {
    asked.push(`${kind} ${zone}`);
    return Promise.resolve(names[kind] ?? []);
  };
  return { asked, read: list };
}

it("is one line for all VMs of a zone, and says what helps", async () => {
  const { read, asked } = project({ instances: ["dev-alice", "dev-bob", "web"] });
  const vms = [{ name: "dev-canary" }, { name: "dev-alice" }, { name: "dev-bob" }];
  await expect(requireFreeNames(configured({}, { vms }), nothing, read)).rejects.toMatchObject({
    code: "NF102",
    message: expect.stringMatching(
      /nixos-fleet:vms\[1\]\.name: dev-alice, dev-bob are there already in europe-west1-b, and belong to no fleet; choose another name \(docs\/moving\.md, "Existing VMs"\), or, if it is this stack's, gcloud compute instances add-labels dev-alice --zone=europe-west1-b --labels=nixos-fleet=devs,nixos-fleet-stack=dev/,
    ) as string,
  });
  expect(asked).toEqual(["instances europe-west1-b"]);
});

it("is a home disk's, too, also of a VM that exists", async () => {
  const { read } = project({ disks: ["dev-alice-home"] });
  await expect(requireFreeNames(configured({ homeDisk }), { vms: [alice], disks: [] }, read)).rejects.toMatchObject({
    message: expect.stringContaining(
      "nixos-fleet:vms[0].homeDisk: dev-alice-home is there already in europe-west1-b, and belongs to no fleet",
    ) as string,
  });
});

it("is not asked for where nothing is to be created", async () => {
  const { read, asked } = project({ instances: ["dev-alice"], disks: ["dev-alice-home"] });
  await requireFreeNames(configured({ homeDisk }), { vms: [alice], disks: [home] }, read);
  expect(asked).toEqual([]);
});

it("is free where the list cannot be read: Compute decides", () =>
  requireFreeNames(configured(), nothing, () => Promise.reject(new Error("HTTP 403"))));

it("is read page by page, without what has a fleet's label", async () => {
  const pages = [
    { items: [{ name: "a" }, { name: "ours", labels: { "nixos-fleet": "devs" } }], nextPageToken: "2" },
    { items: [{ name: "b", labels: { team: "web" } }] },
  ];
  const asked: string[] = [];
  const server = createServer(({ url = "" }, response) => {
    asked.push(url.replace(/\?.*/, ""));
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(pages[url.includes("pageToken=2") ? 1 : 0]));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const rootUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const list = foreignLister(new compute_v1.Compute({ rootUrl, auth: "key" }), "acme-dev");
  expect(await list("instances", "z-a")).toEqual(["a", "b"]);
  expect(await list("disks", "z-a")).toEqual(["a", "b"]);
  expect([...new Set(asked)]).toEqual([
    "/compute/v1/projects/acme-dev/zones/z-a/instances",
    "/compute/v1/projects/acme-dev/zones/z-a/disks",
  ]);
});
