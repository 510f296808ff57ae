/** Whether a machine whose metadata server does not answer must have one. */
import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SystemDriver } from "../../../agent/system/system";
import { Google } from "./google";
import { Scratch } from "./scratch";
import { standInPlace } from "./stand-in-driver";

let scratch: Scratch;
let google: Google;
beforeEach(async () => {
  scratch = new Scratch();
  google = await Google.start({ apis: false });
});
afterEach(() => {
  google.stop();
  scratch.remove();
});

const driver = () =>
  new SystemDriver(standInPlace(scratch), google.metadataServer(), { product: scratch.in("product_name") });

/** What a machine knows of its metadata; the firmware names it so, if it names it at all. */
async function observed(product?: string): Promise<string> {
  if (product !== undefined) writeFileSync(scratch.in("product_name"), `${product}\n`);
  return (await driver().observe(1)).metadata.kind;
}

it("a VM of Google's must, also at its first run", async () => {
  google.away = true;
  expect(await observed("Google Compute Engine")).toBe("away");
});

it.each(["Google", "KVM", undefined])("another machine need not: %s", async (product) => {
  google.away = true;
  expect(await observed(product)).toBe("none");
});

it("a machine that a server has answered must, even if that had no item for it", async () => {
  google.metadata["project/attributes/"] = "{}";
  google.metadata["instance/name"] = "dev-alice";
  await driver().look({ patient: false });
  google.away = true;
  expect(await observed()).toBe("away");
});
