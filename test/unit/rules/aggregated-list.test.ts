/** Compute's aggregated lists, page by page. */
import { expect, it } from "vitest";
import { listAggregated } from "../../../rules/aggregated-list";

interface Scope {
  vms?: string[];
  warning?: { code: string };
}

const pages = (last: Record<string, Scope>) => (asked: { pageToken?: string }) =>
  Promise.resolve(
    asked.pageToken === undefined
      ? { items: { a: { vms: ["one"] }, b: { warning: { code: "NO_RESULTS_ON_PAGE" } } }, nextPageToken: "second" }
      : { items: last },
  );
const unreachable = (zone: string) => new Error(`${zone} is away`);
const list = (last: Record<string, Scope>) => listAggregated(pages(last), ({ vms }: Scope) => vms, unreachable);

it("holds the entries of all zones and pages", async () => {
  expect(await list({ c: { vms: ["two", "three"] } })).toEqual(["one", "two", "three"]);
});

it("is none where a zone does not answer", async () => {
  await expect(list({ c: { warning: { code: "UNREACHABLE" } } })).rejects.toThrow("c is away");
});
