import { afterEach, beforeEach, expect, it } from "vitest";
import { connect } from "../../../cli/google/compute";
import { errorInjector } from "../../../local/api/chaos";
import { makeNetwork, makeInstance, project, serve, type Served } from "./client";

let served: Served;
beforeEach(async () => {
  served = await serve();
});
afterEach(() => served.close());

const chaos = async (body: object) =>
  fetch(new URL("/local/chaos", served.url), { method: "PUT", body: JSON.stringify(body) });

it("errorInjector the share that is asked for, each seed in its own order and always the same", () => {
  const run = (seed: number) => {
    const next = errorInjector({ percent: 20, seed });
    return Array.from({ length: 2_000 }, () => next());
  };
  const injected = run(7).filter((one) => one !== undefined);
  expect(injected.length).toBeGreaterThan(330);
  expect(injected.length).toBeLessThan(470);
  expect(new Set(injected.map(({ status, applied }) => `${status} ${applied}`))).toEqual(
    new Set(["429 false", "500 false", "500 true", "503 false", "503 true"]),
  );
  expect(run(7)).toEqual(run(7));
  expect(run(8)).not.toEqual(run(7));
  expect(errorInjector({ percent: 0, seed: 1 })()).toBeUndefined();
});

it("answers with Google's errors, and carries out what it says it applied", async () => {
  await chaos({ percent: 100, seed: 3 });
  const answers = new Map<string, number>();
  for (let count = 0; count < 40; count++) {
    const body = JSON.stringify({ name: `net-${count}`, autoCreateSubnetworks: false });
    const headers = { authorization: "Bearer x" };
    const { status } = await fetch(`${served.url}/global/networks`, { method: "POST", headers, body });
    answers.set(`net-${count}`, status);
  }
  await chaos({ percent: 0 });
  await served.cloud.operations.settled();
  const made = served.cloud.store.list("networks").map(({ resource }) => resource.name);
  expect([...new Set(answers.values())].sort()).toEqual([429, 500, 503]);
  expect(made.length).toBeGreaterThan(5);
  expect(made.every((name) => answers.get(name) !== 429)).toBe(true);
  expect(made.length).toBeLessThan(30);
});

it("refuses a share that is none", async () => {
  const answer = await chaos({ percent: 200 });
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain("percent must be a number from 0 to 100");
});

it("does not break the tool: changes of the project's metadata side by side all arrive", async () => {
  await makeNetwork(served);
  await makeInstance(served, "vm");
  const endpoint = new URL("/compute/v1/", served.url).href;
  const compute = connect({ project, endpoint, identity: { accessToken: "t" }, attempts: 12 });
  await chaos({ percent: 25, seed: 11 });
  const keys = Array.from({ length: 8 }, (_, index) => `key-${index}`);
  await Promise.all(keys.map((key) => compute.editProjectItem(key, (items) => `${items[key] ?? ""}x`)));
  await chaos({ percent: 0 });
  const metadata = await compute.projectMetadata();
  expect(Object.keys(metadata).sort()).toEqual(keys);
});
