/** Commands on a control item that another tool wrote: with a very long reason, or by a newer version. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { controlKey } from "../../../rules/contract";
import { lineLimit } from "../../../rules/text/text";
import { environmentOf, FakeCompute } from "./google/fake-compute";
import { twoVms } from "./fake-fleets";
import { good, hold, old } from "./fleet-samples";
import { type FleetRun, runFleet } from "./run-fleet";

type Item = Record<string, unknown> & { holds?: { scope: string; why: string }[] };

const KEY = controlKey("devs", "dev");
let fake: FakeCompute;
let endpoint: string;

beforeEach(async () => {
  fake = new FakeCompute();
  endpoint = await fake.start();
  twoVms(fake);
});
afterEach(() => fake.stop());

function fleet(...args: string[]): Promise<FleetRun> {
  return runFleet(args, {
    ...environmentOf(endpoint),
  });
}

const write = (item: Item) => fake.setMetadata(KEY, JSON.stringify(item));
const item = () => JSON.parse(fake.metadata[KEY] ?? "{}") as Item;

/** Each command, and what has to be in the item after it. */
const edits: [command: string, args: string[], left: Item][] = [
  [
    "hold",
    ["hold", "--vm", "dev-rest", "--why", "mine"],
    { holds: [expect.objectContaining({ why: "mine" }) as never] },
  ],
  ["resume", ["resume", "--wave", "canary", "--by", "eve@desk"], {}],
  ["retry", ["retry", good], { retry: [good] }],
  ["pin", ["pin", "dev-rest", old], { pins: { "dev-rest": old } }],
  ["rollback", ["rollback", "--no-wait"], { instead: { canary: { [good]: "previous" } } }],
];

/** What no one but the command itself may change. */
function others(): unknown[] {
  return (item().holds ?? []).filter(({ scope, why }) => scope !== "wave:canary" && why !== "mine");
}

describe("a reason of 150 KB", () => {
  const long = { ...hold("wave:rest"), why: `do not touch ${"x".repeat(150_000)}` };

  it.each(edits)("is in no one's way: %s works, and keeps it", async (_, args, left) => {
    write({ holds: [hold("wave:canary"), long] });
    const { code, out, err } = await fleet(...args);
    expect([code, err]).toEqual([0, []]);
    for (const line of out) expect(line.length).toBeLessThanOrEqual(lineLimit);
    expect(others()).toEqual([long]);
    const { holds = [], ...rest } = left;
    expect(item()).toMatchObject(rest);
    expect(item().holds).toEqual(expect.arrayContaining(holds));
  });

  it.each([["status"], ["show", "dev-rest"], ["rollout", "--urgent", "--why", "x", "--dry-run", good]])(
    "is shown cut by %s",
    async (...args) => {
      write({ holds: [long] });
      const { out, err } = await fleet(...args);
      for (const line of [...out, ...err]) expect(line.length).toBeLessThanOrEqual(lineLimit);
    },
  );

  it("is named in the line of who cannot resume, cut", async () => {
    write({ holds: [{ ...long, scope: `wave:${"y".repeat(150_000)}` }] });
    const { code, err } = await fleet("resume");
    expect(code).not.toBe(0);
    expect(err).toHaveLength(1);
    expect(err[0]?.length).toBeLessThanOrEqual(lineLimit);
  });

  it("that leaves no room is refused in a line, and nothing is lost", async () => {
    write({ holds: [{ ...long, why: "x".repeat(262_000) }] });
    const before = fake.metadata[KEY];
    const { code, err } = await fleet("hold", "--why", "y".repeat(400));
    expect([code, err]).toEqual([
      1,
      [
        expect.stringMatching(
          /^nixos-fleet--devs--dev----control would have \d+ bytes; Compute takes at most 262144 \[NF204\]$/,
        ),
      ],
    ]);
    expect(fake.metadata[KEY]).toBe(before);
  });
});

describe("an item of a newer version", () => {
  const newer = { freeze: {}, pace: [1, 2] };
  const theirs = { ...hold("zone:a"), until: "tomorrow" };

  it.each(edits)("is edited by %s, and keeps what this version does not know", async (_, args, left) => {
    write({ ...newer, holds: [hold("wave:canary"), theirs] });
    const { code, err } = await fleet(...args);
    expect([code, err]).toEqual([0, []]);
    expect(item()).toMatchObject(newer);
    expect(others()).toEqual([theirs]);
    const { holds = [], ...rest } = left;
    expect(item()).toMatchObject(rest);
    expect(item().holds).toEqual(expect.arrayContaining(holds));
  });

  it.each(edits)("is not removed by %s where it says nothing else", async (_, args) => {
    write({ ...newer });
    const { code } = await fleet(...args);
    expect(code).toBe(0);
    expect(item()).toMatchObject(newer);
  });

  it("is shown by status, and its unknown hold holds", async () => {
    write({ ...newer, holds: [theirs] });
    const { out } = await fleet("status");
    expect(out.join("\n")).toContain("control item: freeze");
    expect(out.find((line) => line.startsWith("dev-rest"))).toContain("held");
  });
});

describe("an item that cannot be read", () => {
  it("is emptied by resume --all alone, which asks on a terminal", async () => {
    fake.setMetadata(KEY, "{");
    expect(await fleet("resume")).toMatchObject({ code: 1, err: [expect.stringMatching(/\[NF208\]$/)] });
    expect((await fleet("resume", "--all", "--dry-run")).code).toBe(0);
    expect(fake.metadata[KEY]).toBe("{");
    const { code, out, err } = await fleet("resume", "--all");
    expect([code, out]).toEqual([0, ["the control item is empty now"]]);
    expect(err).toEqual([expect.stringMatching(/^the control item is not readable \(.*\); its content will be lost$/)]);
    expect(fake.metadata[KEY]).toBeUndefined();
  });
});
