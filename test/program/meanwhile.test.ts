/** What people do with `fleet` while a `pulumi up` is under way: it counts for the waves that are not approved yet. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { short } from "../../rules/contract";
import { fleetSucceeds, upEnds } from "./setup/outcome";
import { Program } from "./setup/program";

const rest = ["dev-2", "dev-3"];

let program: Program;
beforeAll(async () => {
  program = await Program.start("meanwhile");
  configure();
  await up();
});
afterAll(() => program.stop());

function configure(): void {
  program.configure({
    "nixos-fleet:deletionProtection": "false",
    "nixos-fleet:bootTimeout": "2m",
    "nixos-fleet:vms": ["dev-1", ...rest].map((name) => ({ name })),
    "nixos-fleet:waves": [
      { name: "canary", vms: ["dev-1"], timeout: "2m" },
      { name: "rest", rest: true, timeout: "2m" },
    ],
  });
}

const up = (ends?: "well" | "badly") => upEnds(program, ends);
const fleet = (...args: string[]) => fleetSucceeds(program, ...args);

const tried = (revision: string) => rest.filter((vm) => program.vms.tried.get(vm)?.includes(revision));

/** An `up` during which something happens after the canary's gate has looked for the last time. */
async function upWhile(next: string, happens: () => Promise<unknown>): Promise<string> {
  const over = program.meanwhile(/dev-1\/getGuestAttributes/, () => program.vms.runs("dev-1") === next, happens);
  const text = await up("badly");
  over();
  return text;
}

it("a rollback right after the canary's gate keeps the revision from the later waves", async () => {
  const good = await program.head();
  const bad = await program.commit();
  const text = await upWhile(bad, () => fleet("rollback", bad, "--no-wait", "--yes"));
  expect(text).toContain("wave canary runs");
  expect(text).toContain(
    `wave rest is not approved for ${short(bad)}: it does not get ${short(bad)}, which was rolled back in`,
  );
  expect(text).toContain(`fleet retry ${short(bad)}); it stays at ${short(good)} [NF306]`);
  expect(program.approved("canary")).toBe(bad);
  expect(program.approved("rest")).toBe(good);
  expect(tried(bad)).toEqual([]);

  await fleet("retry", bad, "--yes");
  await up();
  expect(tried(bad)).toEqual(rest);
});

it("a hold on a later wave counts although the plan is from before it", async () => {
  const good = await program.head();
  const next = await program.commit();
  const text = await upWhile(next, () => fleet("hold", "--wave", "rest", "--why", "demo", "--by", "ann"));
  expect(text).toContain(
    `wave rest is not approved for ${short(next)}: it is held by ann: demo; it stays at ${short(good)} [NF306]`,
  );
  expect(program.approved("rest")).toBe(good);
  expect(tried(next)).toEqual([]);

  await fleet("resume", "--wave", "rest", "--yes");
  await up();
  expect(tried(next)).toEqual(rest);
});
