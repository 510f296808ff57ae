/** Cloud Logging's two calls, as the local cloud serves them. */
import { afterEach, beforeEach, expect, it, test } from "vitest";
import { project, serve, type Served } from "./client";

let served: Served;
beforeEach(async () => {
  served = await serve();
});
afterEach(() => served.close());

async function call(method: string, body: object): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(new URL(`/logging/v2/entries:${method}`, served.url), {
    method: "POST",
    headers: { authorization: "Bearer t", "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const logName = `projects/${project}/logs/nixos-fleet`;
const resource = { type: "global" };
const resourceNames = [`projects/${project}`];

async function write(...entries: object[]): Promise<void> {
  expect(await call("write", { logName, resource, labels: { fleet: "devs" }, entries })).toEqual({
    status: 200,
    body: {},
  });
}

async function messages(query: object): Promise<unknown[]> {
  const { body } = await call("list", { resourceNames, ...query });
  return ((body["entries"] ?? []) as { jsonPayload: { n: number } }[]).map(({ jsonPayload }) => jsonPayload.n);
}

const entry = (n: number, labels: object = {}) => ({
  timestamp: `2026-01-0${n}T00:00:00Z`,
  labels,
  jsonPayload: { n },
});

it("gives back what was written, by label, log and time, in the order that is asked for", async () => {
  await write(entry(2), entry(1, { stack: "dev" }), entry(3, { stack: "dev" }));
  expect(await messages({})).toEqual([1, 2, 3]);
  expect(await messages({ orderBy: "timestamp desc" })).toEqual([3, 2, 1]);
  const filter = `logName="${logName}" AND labels.fleet="devs" AND labels.stack="dev" AND timestamp>="2026-01-02T00:00:00Z"`;
  expect(await messages({ filter })).toEqual([3]);
  expect(await messages({ filter: 'labels.stack="other"' })).toEqual([]);
});

it("gives pages", async () => {
  await write(entry(1), entry(2), entry(3));
  const first = await call("list", { resourceNames, pageSize: 2 });
  expect(first.body["nextPageToken"]).toBe("2");
  expect(await messages({ pageSize: 2, pageToken: "2" })).toEqual([3]);
});

it("keeps what it was given with the state", async () => {
  await write(entry(1));
  expect(served.cloud.saved()?.logEntries).toMatchObject([{ logName, resource, severity: "DEFAULT" }]);
});

test.each([
  ["write", { logName, resource, entries: [] }, 400],
  ["write", { logName, entries: [entry(1)] }, 400],
  ["write", { logName: "projects/other/logs/x", resource, entries: [entry(1)] }, 403],
  ["list", {}, 400],
  ["list", { resourceNames: ["projects/other"] }, 403],
  ["list", { resourceNames, filter: "severity>=ERROR OR x" }, 400],
  ["list", { resourceNames, orderBy: "severity" }, 400],
  ["copy", {}, 404],
])("entries:%s %j is refused", async (method, body, status) => {
  expect((await call(method, body)).status).toBe(status);
});
