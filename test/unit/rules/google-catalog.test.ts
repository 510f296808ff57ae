import { expect, it } from "vitest";
import { gatherOffers, offerMistakes, takesMachineType } from "../../../rules/google-catalog";

const offers = {
  zones: ["europe-west1-b", "europe-west1-c", "europe-west4-a", "us-east1-b", "us-east1-c"],
  machineTypes: { "europe-west1-b": ["e2-standard-2", "e2-standard-4", "n2-highmem-8"], "europe-west1-c": [] },
};
const vm = (name: string, zone = "europe-west1-b", machineType = "e2-standard-4") => ({ name, zone, machineType });
const mistakes = (...vms: ReturnType<typeof vm>[]) =>
  offerMistakes({ region: "europe-west1", zone: "europe-west1-b", vms }, offers);

it("finds nothing wrong with what is there, or made to measure", () => {
  expect(mistakes(vm("a"), vm("b", "europe-west1-b", "n2-custom-4-8192"), vm("c", undefined, "custom-2-4096"))).toEqual(
    [],
  );
});

it.each([
  ["e2-small", "n2d-standard-8", true],
  ["custom-2-4096", "m1-megamem-96", true],
  ["n4-standard-4", "n4-highmem-8", true],
  ["t2a-standard-4", "t2a-standard-8", true],
  ["e2-standard-4", "n4-standard-4", false],
  ["e2-standard-4", "t2a-standard-4", false],
  ["n4-standard-4", "e2-standard-4", false],
  ["c3-standard-4", "c4-standard-4", false],
])("%s changes to %s: %s", (present, wanted, taken) => expect(takesMachineType(present, wanted)).toBe(taken));

it("is one line for a wrong region, zone or type, whatever the number of VMs", () => {
  expect(
    offerMistakes({ region: "europe-wset1", zone: "europe-wset1-b", vms: [vm("a", "europe-wset1-b")] }, offers),
  ).toEqual(['gcp:region: "europe-wset1" does not exist; did you mean "europe-west1"?']);
  expect(offerMistakes({ region: "moon", zone: "moon-b", vms: [] }, offers)).toEqual([
    'gcp:region: "moon" does not exist; there are europe-west1, europe-west4, us-east1',
  ]);
  expect(mistakes(vm("a", "europe-west1-a"), vm("b", "europe-west1-a"))).toEqual([
    'nixos-fleet:vms: a, b: zone "europe-west1-a" does not exist; did you mean "europe-west1-b"?',
  ]);
  const many = ["a", "b", "c", "d", "e", "f", "g"].map((name) => vm(name, undefined, "e2-standrad-4"));
  expect(mistakes(...many)).toEqual([
    'nixos-fleet:vms: a, b, c, d, e and 2 more: machine type "e2-standrad-4" does not exist in zone europe-west1-b; did you mean "e2-standard-4"?',
  ]);
});

it("is at gcp:zone where the zone is that of all VMs that name none, beside what is wrong with the others", () => {
  const vms = [vm("a", "europe-west1-z"), vm("b", "europe-west1-z"), vm("c", undefined, "e2-standrad-4")];
  expect(offerMistakes({ region: "europe-west1", zone: "europe-west1-z", vms }, offers)).toEqual([
    'gcp:zone: "europe-west1-z" does not exist; did you mean "europe-west1-b"?',
    'nixos-fleet:vms: c: machine type "e2-standrad-4" does not exist in zone europe-west1-b; did you mean "e2-standard-4"?',
  ]);
});

it("asks for all pages, and for the machine types of zones that are there", async () => {
  const asked: string[] = [];
  const pages = [{ items: [{ name: "x-a" }], nextPageToken: "2" }, { items: [{ name: "x-b" }] }];
  const found = await gatherOffers(
    {
      zones: ({ pageToken }) => Promise.resolve(pages[pageToken === "2" ? 1 : 0] ?? {}),
      machineTypes: (zone) => {
        asked.push(zone);
        return Promise.resolve({ items: [{ name: "m" }] });
      },
    },
    [vm("a", "x-b"), vm("b", "x-b"), vm("c", "gone-a")],
  );
  expect(found).toEqual({ zones: ["x-a", "x-b"], machineTypes: { "x-b": ["m"] } });
  expect(asked).toEqual(["x-b"]);
});
