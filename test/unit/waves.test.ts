import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assignWaves } from "../../infra/waves";

const wave = (name: string, members: { vms?: string[]; rest?: true }) => ({
  name,
  maxFailures: 0,
  timeout: 60,
  ...members,
});

describe("waves", () => {
  it("keep their order, and the rest takes whom no other names", () => {
    const { waves, mistakes } = assignWaves(
      [wave("canary", { vms: ["b"] }), wave("rest", { rest: true })],
      ["a", "b", "c"],
    );
    expect(mistakes).toEqual([]);
    expect(waves.map(({ name, vms }) => [name, vms])).toEqual([
      ["canary", ["b"]],
      ["rest", ["a", "c"]],
    ]);
  });

  it.each([
    [[wave("a", { vms: ["x"] })], 'waves: "y" is in no wave; name it in one, or give one wave rest: true'],
    [[wave("a", { vms: ["x", "y"] }), wave("b", { vms: ["x"] })], 'waves[1].vms: "x" is in wave "a" already'],
    [
      [wave("a", { rest: true }), wave("b", { rest: true })],
      'waves: only one wave may have rest: true, not "a" and "b"',
    ],
    [
      [wave("a", { vms: ["x", "y"] }), wave("a", { rest: true })],
      'waves[1].name: "a" is there twice; names of waves are unique',
    ],
    [[wave("a", {})], 'waves[0]: "a" must have either vms (names) or rest: true'],
  ])("refuse %j", (written, line) => {
    expect(assignWaves(written, ["x", "y"]).mistakes).toContain(line);
  });

  it("put every VM in exactly one wave, whenever there are no mistakes", () => {
    const names = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e"), { minLength: 1 });
    fc.assert(
      fc.property(names, names, (vms, named) => {
        const { waves, mistakes } = assignWaves([wave("first", { vms: named }), wave("rest", { rest: true })], vms);
        if (mistakes.length === 0) expect(waves.flatMap((each) => each.vms).sort()).toEqual([...vms].sort());
      }),
    );
  });
});
