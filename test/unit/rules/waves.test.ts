import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assignWaves, placeOf, type WrittenWave } from "../../../rules/rollout/waves";

const wave = (name: string, members: Omit<WrittenWave, "name">) => ({ name, timeout: 60, ...members });
const vms = (...names: string[]) => names.map((name) => ({ name, labels: {} }));
const membersOf = (waves: readonly WrittenWave[], all: Parameters<typeof assignWaves>[1]) =>
  Object.fromEntries(assignWaves(waves, all).waves.map((each) => [each.name, each.vms]));

describe("waves", () => {
  it("keep their order, and the rest takes whom no other names", () => {
    const { waves, mistakes } = assignWaves(
      [wave("canary", { vms: ["b"] }), wave("rest", { rest: true })],
      vms("a", "b", "c"),
    );
    expect(mistakes).toEqual([]);
    expect(waves.map(({ name, vms }) => [name, vms])).toEqual([
      ["canary", ["b"]],
      ["rest", ["a", "c"]],
    ]);
  });

  it.each([
    [[wave("a", { vms: ["x"] })], 'waves: "y", "z" are in no wave; name them in one, or give one wave rest: true'],
    [[wave("a", { vms: ["x", "y"] })], 'waves: "z" is in no wave; name it in one, or give one wave rest: true'],
    [[wave("a", { vms: ["x", "y"] }), wave("b", { vms: ["x"] })], 'waves[1].vms: "x" is in wave "a" already'],
    [
      [wave("a", { rest: true }), wave("b", { rest: true })],
      'waves: only one wave may have rest: true, not "a" and "b"',
    ],
    [
      [wave("a", { vms: ["x", "y"] }), wave("a", { rest: true })],
      'waves[1].name: "a" is used twice; names of waves are unique',
    ],
    [[wave("a", {})], 'waves[0]: "a" must have one of vms (names), labels, share and rest: true'],
    [
      [wave("a", { vms: ["x"], share: 50 }), wave("b", { rest: true })],
      'waves[0]: "a" must have one of vms (names), labels, share and rest: true, not vms and share',
    ],
    [
      [wave("a", { labels: { team: "no" } }), wave("b", { rest: true })],
      'waves[0]: "a" has no VM; give it one or remove it',
    ],
    [[wave("a", { vms: [] }), wave("b", { rest: true })], 'waves[0]: "a" has no VM; give it one or remove it'],
    [
      [wave("a", { vms: ["x", "y", "z"] }), wave("b", { share: 50 })],
      'waves[1]: "b" has no VM; give it one or remove it',
    ],
    [[wave("a", { share: 10 })], 'waves: "y", "z" are in no wave; name them in one, or give one wave rest: true'],
  ])("refuse %j", (written, line) => {
    expect(assignWaves(written, vms("x", "y", "z")).mistakes).toContain(line);
  });

  it("give one mistake one line", () => {
    expect(assignWaves([wave("a", { vms: ["w"] }), wave("b", { rest: true })], vms("x")).mistakes).toHaveLength(1);
  });

  it("take VMs by name, then by label, the earlier wave first, then by share, then the rest", () => {
    const all = [
      { name: "a", labels: { team: "infra", site: "paris" } },
      { name: "b", labels: { team: "infra", site: "rome" } },
      { name: "c", labels: { team: "infra", site: "paris" } },
      ...vms("d"),
    ];
    const waves = [
      wave("paris", { labels: { team: "infra", site: "paris" } }),
      wave("infra", { labels: { team: "infra" } }),
      wave("named", { vms: ["c"] }),
      wave("rest", { rest: true }),
    ];
    expect(membersOf(waves, all)).toEqual({ paris: ["a"], infra: ["b"], named: ["c"], rest: ["d"] });
  });

  it("put every VM in exactly one wave, whenever there are no mistakes", () => {
    const names = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e"), { minLength: 1 });
    fc.assert(
      fc.property(names, names, fc.integer({ min: 1, max: 100 }), (all, named, share) => {
        const written = [wave("first", { vms: named }), wave("some", { share }), wave("rest", { rest: true })];
        const { waves, mistakes } = assignWaves(written, vms(...all));
        if (mistakes.length > 0) return;
        expect(waves.flatMap((each) => each.vms).sort()).toEqual([...all].sort());
        expect(waves.every((each) => each.vms.length > 0)).toBe(true);
      }),
    );
  });
});

describe("a share of the rest", () => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => `dev-${index}`);
  const shares = (one: number, two: number) => [
    wave("one", { share: one }),
    wave("two", { share: two }),
    wave("rest", { rest: true }),
  ];

  it("is about as large as it says, and the next one is a share of what is left", () => {
    const { one = [], two = [] } = membersOf(shares(20, 50), vms(...many(1000)));
    expect(Math.abs(one.length - 200)).toBeLessThan(40);
    expect(Math.abs(two.length - 400)).toBeLessThan(50);
  });

  it("keeps every VM where it is when others come and go, and whatever the waves are called", () => {
    const percent = fc.integer({ min: 5, max: 95 });
    const some = fc.subarray(many(40), { minLength: 20 });
    fc.assert(
      fc.property(percent, percent, some, (one, two, left) => {
        const before = membersOf(shares(one, two), vms(...many(40)));
        const after = membersOf(shares(one, two), vms(...left));
        // But for a wave that would be empty and borrows a VM.
        const within = (name: string) => placeOf(name) < one / 100;
        if (!left.some(within) || !many(40).some(within)) return;
        expect(after["one"]).toEqual(left.filter((name) => before["one"]?.includes(name)));
        const renamed = shares(one, two).map((each) => ({ ...each, name: `${each.name}-2` }));
        expect(membersOf(renamed, vms(...left))["one-2"]).toEqual(after["one"]);
      }),
    );
  });

  it("that no one lies in takes one VM all the same", () => {
    const { one, rest } = membersOf([wave("one", { share: 1 }), wave("rest", { rest: true })], vms("a", "b", "c"));
    expect(one).toHaveLength(1);
    expect(rest).toHaveLength(2);
  });
});
