/** What is true of every decision of the system's agent, whatever is known. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { A, approve, B, C, type Case, type CaseDecision, control, decideCase } from "./cases";

const revisions = fc.constantFrom(A, B, C);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const state = fc.record(
  {
    revision: revisions,
    approved: revisions,
    previous: revisions,
    refused: fc.constantFrom([], [{ revision: B, stage: "build" }]),
  },
  { requiredKeys: [] },
);

const steering = fc.record(
  {
    pins: fc.dictionary(fc.constantFrom("dev-alice", "dev-bob"), revisions),
    instead: fc.record({ rest: fc.dictionary(revisions, fc.oneof(revisions, fc.constant("previous"))) }),
    retry: fc.array(revisions),
  },
  { requiredKeys: [] },
);

interface Situation {
  instance: { follow: string };
  waves: Record<string, string>;
  steering: object | undefined;
  state: { revision?: string; approved?: string };
  head: string | undefined;
  descends: boolean | undefined;
  drifted: boolean;
  force: boolean;
}

const situations = fc.record({
  instance: fc.record({ follow: fc.constantFrom("branch", "approved") }),
  waves: fc.dictionary(fc.constantFrom("canary", "rest", "last"), revisions),
  steering: maybe(steering),
  state,
  head: maybe(revisions),
  descends: maybe(fc.boolean()),
  drifted: fc.boolean(),
  force: fc.boolean(),
}) as fc.Arbitrary<Situation>;

/** Three hundred situations, changed as given. */
function decideSamples(
  change: (situation: Situation) => Situation & { hold?: object; localHold?: object },
): [Situation, CaseDecision][] {
  const samples = fc.sample(situations, { numRuns: 300, seed: 42 }).map(change);
  return samples.map((sample) => {
    const { waves, steering, hold, ...rest } = sample;
    const written = hold === undefined ? steering : { ...steering, holds: [hold] };
    const given = { ...rest, attributes: { ...approve(waves), ...(written === undefined ? {} : control(written)) } };
    return [sample, decideCase(JSON.parse(JSON.stringify(given)) as Case)];
  });
}

const steered = ({ steering, waves }: Situation) => {
  const { pins, instead } = (steering ?? {}) as {
    pins?: Record<string, string>;
    instead?: { rest: Record<string, string> };
  };
  return pins?.["dev-alice"] !== undefined || instead?.rest[waves["rest"] ?? ""] !== undefined;
};

describe("always", () => {
  it("an answer is one of the three, and says why", () => {
    for (const [, answer] of decideSamples((one) => one)) {
      expect(["stay", "update"]).toContain(answer.action);
      expect(answer.reason).not.toBe("");
      if (answer.action === "update") expect(answer.target?.revision).toMatch(/^[0-9a-f]{40}$/);
    }
  });

  it.each(["fleet", "wave:rest", "vm:dev-alice"])("a hold on %s beats everything", (scope) => {
    for (const [, answer] of decideSamples((one) => ({ ...one, hold: { scope, by: "ann", why: "" } }))) {
      expect(answer).toMatchObject({ action: "stay", outcome: "held" });
    }
  });

  it("a hold on the machine itself beats everything", () => {
    for (const [, answer] of decideSamples((one) => ({ ...one, localHold: { by: "ann" } }))) {
      expect(answer).toMatchObject({ action: "stay", outcome: "held" });
    }
  });

  it("without its wave's approval nothing moves, unless it is pinned", () => {
    for (const [one, answer] of decideSamples(({ waves: { canary }, ...one }) => ({
      ...one,
      waves: canary === undefined ? {} : { canary },
    }))) {
      if (!steered(one)) expect(answer.action).not.toBe("update");
    }
  });

  it("an approval that is not new never moves a machine back from a descendant", () => {
    for (const [one, answer] of decideSamples((one) => ({
      ...one,
      instance: { follow: "approved" },
      waves: { ...one.waves, rest: one.state.approved ?? A },
      state: { ...one.state, revision: C, approved: one.state.approved ?? A },
      descends: true,
      drifted: false,
    }))) {
      if (!steered(one)) expect(answer.action).toBe("stay");
    }
  });

  it("while waves differ only the machine's own approval moves it", () => {
    for (const [one, answer] of decideSamples((one) => ({
      ...one,
      waves: { ...one.waves, canary: B, rest: A },
      drifted: false,
    }))) {
      if (!steered(one) && answer.action === "update") expect(answer.target?.revision).toBe(A);
    }
  });

  it("with follow: approved the branch moves nothing", () => {
    for (const [one, answer] of decideSamples((one) => ({ ...one, instance: { follow: "approved" } }))) {
      expect(answer.needHead).toBeUndefined();
      const own = one.waves["rest"];
      if (!steered(one) && answer.action === "update")
        expect([own, one.state.revision]).toContain(answer.target?.revision);
    }
  });

  it("a refused revision is not tried, unless someone asks for it", () => {
    for (const [, answer] of decideSamples((one) => ({
      ...one,
      state: { ...one.state, refused: [A, B, C].map((revision) => ({ revision, stage: "switch", error: "", at: "" })) },
      steering: undefined,
      force: false,
    }))) {
      expect(answer.action).not.toBe("update");
    }
  });
});
