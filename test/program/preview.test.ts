/** What a preview says of a new lock, and the stack's outputs after rollouts that end well, are held or fail. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { short } from "../../rules/contract";
import { succeeds, upEnds } from "./setup/outcome";
import { Program } from "./setup/program";

let program: Program;
beforeEach(async () => {
  program = await Program.start("preview");
});
afterEach(() => program.stop());

const lock = (rev: string, lastModified: number) =>
  JSON.stringify({
    root: "root",
    nodes: {
      root: { inputs: { nixpkgs: "nixpkgs" } },
      nixpkgs: { locked: { type: "github", owner: "NixOS", repo: "nixpkgs", rev: rev.repeat(40), lastModified } },
    },
  });

async function outputs(): Promise<Record<string, unknown>> {
  const { text } = await program.pulumi("stack", "output", "--json", "--stack", program.stack);
  return JSON.parse(text) as Record<string, unknown>;
}

it("is the lock's inputs, from what they are to what they would be, and nothing when it moved", async () => {
  await program.commit(lock("8", 1784011430));
  program.configure({ "nixos-fleet:vms": [{ name: "dev-alice" }], "nixos-fleet:waves": [{ name: "all", rest: true }] });
  await upEnds(program);
  await program.commit(lock("9", 1787209939));

  const preview = await program.run("preview");
  expect(preview.text).toContain('nixpkgs: "8888888 of 2026-07-14" => "9999999 of 2026-08-20"');
  expect(preview.text).toMatch(/all: [0-9a-f]{7} => [0-9a-f]{7}; nixpkgs 8888888 → 9999999, 37 days later/);

  await upEnds(program);
  expect(await outputs()).toMatchObject({ inputs: { nixpkgs: "9999999 of 2026-08-20" } });
  expect(await succeeds(program, "preview")).not.toContain("=>");
});

describe("two waves", () => {
  beforeEach(async () => {
    await program.commit(lock("8", 1784011430));
    program.configure({
      "nixos-fleet:vms": [{ name: "dev-canary" }, { name: "dev-alice", owner: "alice@example.com" }],
      "nixos-fleet:waves": [
        { name: "canary", vms: ["dev-canary"] },
        { name: "rest", rest: true },
      ],
    });
    await upEnds(program);
  });

  it("show what moves in either, also after a hold", async () => {
    await program.fleet("hold", "--wave", "rest", "--why", "demo");
    await program.commit(lock("9", 1787209939));
    const held = '"8888888 of 2026-07-14" => "9999999 of 2026-08-20 in canary; 8888888 of 2026-07-14 in rest"';
    expect((await program.run("preview")).text).toContain(`nixpkgs: ${held}`);
    await upEnds(program);

    await program.fleet("resume", "--wave", "rest");
    const { text } = await program.run("preview");
    expect(text).toContain(
      '"9999999 of 2026-08-20 in canary; 8888888 of 2026-07-14 in rest" => "9999999 of 2026-08-20"',
    );
    const head = await program.head();
    expect(text).toContain(`gate    : "passed: 1 succeeded" => "waits for ${short(head)}"`);
  });

  it("name in the outputs what each is approved for, and never a head that no wave has", async () => {
    const good = await program.head();
    const passed = { revision: good, gate: "passed: 1 succeeded" };
    const login = (vm: string) =>
      `gcloud compute ssh ${vm} --project=local-project --zone=europe-west1-b --tunnel-through-iap`;
    const before = await outputs();
    expect(before).toMatchObject({
      head: good,
      waves: { canary: passed, rest: passed },
      vms: { "dev-alice": { wave: "rest", owner: "alice@example.com", login: login("dev-alice") } },
    });
    expect(before["readme"]).toContain(`| canary | 1 | \`${good}\` | passed: 1 succeeded |`);

    const bad = await program.commit(lock("9", 1787209939));
    program.vms.fails = (_vm, revision) => (revision === bad ? { stage: "build", error: "no" } : undefined);
    // The engine ends a program whose resource failed, and keeps the outputs of the run before.
    expect((await program.run("up")).exitCode).not.toBe(0);
    expect(await outputs()).toEqual(before);

    // This one ends by itself: the canary's approval is there, its gate failed, and nothing later was touched.
    expect((await program.run("up", "--continue-on-error")).exitCode).not.toBe(0);
    const after = await outputs();
    expect(after).toMatchObject({
      head: bad,
      waves: { canary: { revision: bad, gate: "failed" }, rest: { revision: good, gate: "did not run" } },
      inputs: { nixpkgs: "9999999 of 2026-08-20 in canary; 8888888 of 2026-07-14 in rest" },
    });
    expect(program.approved("rest")).toBe(good);

    // A targeted update writes no approval, and the outputs stay.
    await program.commit();
    const targeted = await program.run("up", "--target", "**devs-dev-alice-vm");
    expect(targeted.exitCode, targeted.text).toBe(0);
    expect(program.approved("canary")).toBe(bad);
    expect(await outputs()).toMatchObject({ waves: { canary: { revision: bad }, rest: { revision: good } } });
    const past = await program.run("up", "--target", "**devs-rest-*");
    expect(past.exitCode).not.toBe(0);
    expect(past.text).toContain("the gate of wave canary has not passed it; run pulumi up without --target [NF306]");
    expect(program.approved("rest")).toBe(good);

    // Held, the canary's gate still has the text of what it passed before.
    await program.fleet("hold", "--why", "demo");
    await program.commit();
    const held = await program.run("up");
    expect(held.exitCode, held.text).toBe(0);
    const earlier = `has not passed; before it ${short(good)} passed: 1 succeeded`;
    expect(await outputs()).toMatchObject({ waves: { canary: { revision: bad, gate: earlier }, rest: passed } });
  });
});
