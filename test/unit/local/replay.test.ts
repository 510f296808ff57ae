/**
 * Every distinct request of the official gcp provider and of gcloud, recorded from runs of both, sent to the local cloud: each gets an
 * answer that the client can go on with, of Google's shape, with the fields that the provider's sources read.
 */
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { CloudState } from "../../../local/api/types";
import type { Served } from "./client";
import { strangers } from "./discovery";
import { adapted, ask, before, cloudOf, recorded, waited, world, type Recorded } from "./replay";
import { fieldsRead, otherShapes } from "./replay-shapes";

/** What Google refuses as well. Any other error of that day was the local cloud's. */
const refused: [RegExp, number][] = [
  [/^GET .*\/global\/images\/nixos-fleet\?/, 404],
  [/^GET .*\/images\/family\/nixos-fleet-v20260601/, 404],
  [/^GET .*\/o\/manifests%2F/, 404],
  [/^GET .*\/instances\/fresh-a\?/, 404],
  [/^POST .*\/setMachineType.*"http/, 400],
];

function expected(request: Recorded): number {
  const text = `${request.method} ${request.url} ${JSON.stringify(request.body ?? {})}`;
  return refused.find(([pattern]) => pattern.test(text))?.[1] ?? 200;
}

let state: CloudState;
beforeAll(async () => {
  state = await world();
});
let served: Served | undefined;
afterEach(() => served?.close());

describe("the official clients' requests", () => {
  it("are all there", () => {
    expect(recorded.filter(({ client }) => client === "provider").length).toBeGreaterThan(150);
    expect(recorded.filter(({ client }) => client === "gcloud").length).toBeGreaterThan(30);
  });

  it.each(
    recorded.map(
      (request, index) => [`${index + 1} ${request.client}: ${request.method} ${request.url}`, request] as const,
    ),
  )("%s", async (_, request) => {
    served = await cloudOf(before(state, request));
    const { url, body } = await adapted(served, request);
    const answer = await ask(served, request.method, url, body);
    expect([answer.status, answer.status === expected(request) ? "" : answer.body]).toEqual([expected(request), ""]);
    if (answer.status !== 200) {
      expect(answer.body).toMatchObject({ error: { code: answer.status, message: expect.any(String) as string } });
      return;
    }
    const { kind } = answer.body;
    if (typeof kind === "string" && kind.startsWith("compute#")) {
      const schema = kind.slice("compute#".length);
      expect(strangers(schema.charAt(0).toUpperCase() + schema.slice(1), answer.body)).toEqual([]);
      for (const field of fieldsRead[kind] ?? []) expect(answer.body, field).toHaveProperty(field);
    } else if (url.startsWith("/compute/")) {
      expect(strangers("Policy", answer.body)).toEqual([]);
    } else {
      const shape = otherShapes.find(([pattern]) => pattern.test(`${request.method} ${url}`))?.[1];
      expect(shape, `a shape for ${request.method} ${url}`).toBeDefined();
      expect(answer.body).toMatchObject(shape ?? {});
    }
    if (kind === "compute#operation" && request.method !== "GET") {
      const { body: ended } = await waited(served, answer.body);
      expect(ended).toMatchObject({ status: "DONE", progress: 100 });
      expect(ended["error"]).toBeUndefined();
      expect(strangers("Operation", ended)).toEqual([]);
    }
  });
});
