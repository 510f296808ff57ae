/** Rollouts to six VMs in three waves: good ones, failing ones by each reaction, and what a person holds. */
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { short } from "../../rules/contract";
import { fleetSucceeds, succeeds, upEnds } from "./setup/outcome";
import { Program } from "./setup/program";

const waves = { canary: ["dev-1"], middle: ["dev-2", "dev-3"], rest: ["dev-4", "dev-5", "dev-6"] };
const all = Object.values(waves).flat();

let program: Program;
beforeAll(async () => {
  program = await Program.start("rollout");
  configure();
  await up();
});
afterAll(() => program.stop());

/** @param wave what is set of the wave `middle`; @param vm of every VM; @param more other settings */
function configure(wave: object = {}, vm: object = {}, more: object = {}): void {
  program.configure({
    "nixos-fleet:deletionProtection": "false",
    "nixos-fleet:vms": all.map((name) => ({ name, ...vm })),
    "nixos-fleet:waves": [
      { name: "canary", vms: waves.canary, timeout: "1m" },
      { name: "middle", vms: waves.middle, ...wave },
      { name: "rest", rest: true },
    ],
    ...more,
  });
}

const up = (ends?: "well" | "badly") => upEnds(program, ends);

const refresh = () => succeeds(program, "refresh");
const fleet = (...args: string[]) => fleetSucceeds(program, ...args);

/** Who runs a revision. */
const running = (revision: string) => all.filter((vm) => program.vms.runs(vm) === revision);
/** Who ever switched to it, or tried to. */
const tried = (revision: string) => all.filter((vm) => program.vms.tried.get(vm)?.includes(revision));

/** A revision with which dev-2 does not come up healthy. */
async function commitBad(): Promise<string> {
  const bad = await program.commit();
  program.vms.fails = (vm, revision) =>
    vm === "dev-2" && revision === bad ? { stage: "health", error: "the check web said no" } : undefined;
  return bad;
}

describe("a wave that fails", () => {
  it("is held, and boots, a refresh and another up change nothing; a fix goes to all", async () => {
    const good = await program.head();
    const bad = await commitBad();
    const failed = await up("badly");
    expect(failed).toContain("dev-2  failed");
    expect(failed).toContain("the check web said no");
    expect(failed).toMatch(/wave middle failed: 1 of 2 failed, none may; later waves are not approved/);
    expect(program.approved("rest")).toBe(good);
    expect(running(bad)).toEqual(["dev-1", "dev-3"]);
    const result = JSON.parse(readFileSync(join(program.results, "devs-rollout-middle.json"), "utf8")) as object;
    expect(result).toMatchObject({ wave: "middle", revision: bad, outcome: "failed" });

    program.vms.bootAll();
    await refresh();
    const before = structuredClone([...program.vms.tried]);
    const again = await up("badly");
    expect(again).toContain(`fleet retry ${bad}`);
    expect([...program.vms.tried]).toEqual(before);
    expect(tried(bad)).toEqual(["dev-1", "dev-2", "dev-3"]);

    const fixed = await program.commit();
    await up();
    expect(running(fixed)).toEqual(all);
    expect(await fleet("status", "--check")).toContain("6 VMs");
  });

  it("within its budget is a success that names who failed", async () => {
    configure({ maxFailures: "50%" });
    const bad = await commitBad();
    expect(await up()).toContain("the check web said no");
    expect(running(bad)).toEqual(all.filter((vm) => vm !== "dev-2"));
  });

  it("goes on with onFailure: continue", async () => {
    configure({ onFailure: "continue" });
    const bad = await commitBad();
    expect(await up()).toContain("nothing is held");
    expect(running(bad)).toEqual(all.filter((vm) => vm !== "dev-2"));
  });

  it("goes back with onFailure: rollback, stays back, and takes something newer", async () => {
    configure({ onFailure: "rollback" });
    const good = await program.commit();
    await up();
    const bad = await commitBad();
    const failed = await up("badly");
    expect(failed).toContain(`waves canary, middle left ${short(bad)}`);
    expect(running(good)).toEqual(all);

    // Something else than the revision is applied, though the waves do not pass.
    configure({ onFailure: "rollback" }, { labels: { team: "compilers" } });
    expect(await up("badly")).toContain(`${short(bad)} was rolled back`);
    expect(program.cloud.store.instance("dev-1")?.labels).toMatchObject({ team: "compilers" });
    program.vms.bootAll();
    expect(running(good)).toEqual(all);

    const newer = await program.commit();
    await up();
    expect(running(newer)).toEqual(all);
    configure();
  });
});

describe("VMs that change waves", () => {
  it("do so before anything is approved, and are taken along", async () => {
    waves.canary = ["dev-2"];
    waves.middle = ["dev-1", "dev-3"];
    configure({ timeout: "30s" });
    const next = await program.commit();
    await up();
    expect(running(next)).toEqual(all);
    expect(program.vms.tried.get("dev-1")?.filter((revision) => revision === next)).toHaveLength(1);
    waves.canary = ["dev-1"];
    waves.middle = ["dev-2", "dev-3"];
    configure();
  });
});

describe("a person's hold", () => {
  it("keeps the wave and those after it over preview, up and refresh, and everything else is applied", async () => {
    const good = await program.commit();
    await up();
    await fleet("hold", "--wave", "middle", "--why", "demo at three", "--by", "ann");
    const next = await program.commit();
    const warning = "wave middle is held by ann: demo at three; it stays at " + short(good);

    expect((await program.run("preview")).text).toContain(warning);
    configure({}, { labels: { team: "databases" } });
    const held = await up();
    expect(held).toContain(warning);
    expect(held).toContain("wave rest waits for wave middle");
    expect(await refresh()).toMatch(/Resources:\n\s+\d+ unchanged\n/);
    expect(running(next)).toEqual(["dev-1"]);
    expect(program.approved("middle")).toBe(good);
    for (const vm of all) expect(program.cloud.store.instance(vm)?.labels, vm).toMatchObject({ team: "databases" });

    await fleet("resume", "--wave", "middle", "--by", "ann");
    await up();
    expect(running(next)).toEqual(all);
  });

  it("by hand: fleet rollback is not fought by a later up, and retry takes it back", async () => {
    const good = await program.head();
    const bad = await program.commit();
    await up();
    expect(await fleet("rollback", "--to", good)).toContain(`from ${short(bad)} back to ${short(good)}`);
    expect(running(good)).toEqual(all);
    const said = await up();
    expect(said).toContain(`wave rest: ${short(bad)} was rolled back`);
    await refresh();
    expect(running(good)).toEqual(all);
    await fleet("retry", bad);
    expect(running(bad)).toEqual(all);
  });
});

describe("an approval", () => {
  it("is written again that Google refuses for a moment", async () => {
    const next = await program.commit();
    const allow = program.refuse(/setCommonInstanceMetadata/, 2);
    await up();
    allow();
    expect(running(next)).toEqual(all);
  });

  it("that could not be written says how to go on", async () => {
    const next = await program.commit();
    const allow = program.refuse(/setCommonInstanceMetadata/);
    expect(await up("badly")).toContain("Quota 'CPUS' exceeded");
    allow();
    expect(await up("badly")).toMatch(
      /wave canary is approved for [0-9a-f]{7}, not for .*run pulumi refresh, .*\[NF305\]/,
    );
    expect((await program.run("refresh")).exitCode).toBe(0);
    await up();
    expect(running(next)).toEqual(all);
  });
});

describe("what the rollout does not need", () => {
  it("does not keep a revision from the VMs if Google refuses it: people's access", async () => {
    configure({}, { owner: "eve@example.com" }, { "nixos-fleet:access": "owners" });
    const next = await program.commit();
    const allow = program.refuse(/instances\/dev-2\/setIamPolicy/);
    const said = await up("badly");
    expect(said).toMatch(/devs-dev-2-login .*creating failed/);
    expect(running(next)).toEqual(all);
    allow();
  });

  it("does not keep a revision from the VMs if SSH does not let the triggers in", async () => {
    const server = createServer((socket) => socket.on("error", () => undefined).end("SSH-2.0-x\r\n"));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    onTestFinished(() => void server.close());
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { guestAttributes } = program.cloud.store.state;
    for (const vm of ["dev-1", "dev-2"])
      guestAttributes[vm] = { ...guestAttributes[vm], "hostkeys/ssh-ed25519": "AAAAC3NzaC1lZDI1NTE5AAAAIA==" };
    const ssh = { addresses: { "dev-1": address, "dev-2": address } };
    configure({}, {}, { "nixos-fleet:trigger": "ssh", "nixos-fleet:ssh": ssh });
    await program.keep("nixos-fleet:sshPrivateKey", "no key");
    const next = await program.commit();
    const said = await up("badly");
    expect(said).toMatch(/devs-dev-1-trigger .*creating failed/);
    expect(said).toMatch(/dev-3.* no SSH trigger: no SSH host key is published yet/);
    expect(running(next)).toEqual(all);
  });
});
