/** Rollouts that a person steers: a VM that is held, one that is pinned, a pause between waves, homes that count, and one that has a repository. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { short } from "../../rules/contract";
import { successfulOutcome } from "../setup/report-outcomes";
import { TestCloud, until } from "./cloud";

const cloud = new TestCloud();
const [canary, alice, bob] = ["dev-canary", "dev-alice", "dev-bob"];
afterAll(() => cloud.down());

async function fleet(command: string): Promise<void> {
  const { exitCode, text } = await cloud.shell(`./scripts/fleet ${command}`);
  expect(exitCode, text).toBe(0);
}

beforeAll(() => cloud.start());

describe("what is decided about one VM", () => {
  let before: string;
  let after: string;

  it("stands through a rollout, which does not wait for it", async () => {
    before = await cloud.head();
    await fleet(`hold --vm ${alice} --why 'demo at noon'`);
    await fleet(`pin ${bob} ${before}`);
    after = await cloud.bump();
    const up = await cloud.up();
    expect(up).toMatch(new RegExp(`${alice} +deferred +after .*demo at noon`));
    expect(up).toMatch(new RegExp(`${bob} +deferred +after .*pinned to ${short(before)}`));
    await cloud.expectRuns(canary, after);
  });

  it("stands against its own timer and against a developer", async () => {
    for (const vm of [alice, bob]) {
      await cloud.in(vm, "systemctl start nixos-auto-update.service; nixos-auto-update run || true");
      await cloud.expectRuns(vm, before);
    }
    expect((await cloud.status())[alice]).toMatchObject({ drift: "held", system: { outcome: "held" } });
  });

  it("lets it catch up by itself when it is taken back", async () => {
    await fleet(`resume --vm ${alice}`);
    await fleet(`pin ${bob} --clear`);
    await until("both have caught up", 120, async () => {
      const status = await cloud.status();
      return [alice, bob].every((vm) => status[vm]?.drift === "none");
    });
    for (const vm of [alice, bob]) await cloud.expectRuns(vm, after);
  });
});

describe("a first wave with a home in it", () => {
  const broken = ' home.activation.broken = "echo the editor is missing; exit 3";';

  it("reports a home that fails, and lets time pass before the next wave", async () => {
    await cloud.configure("--path 'nixos-fleet:waves[0].vms[0]' dev-alice", "--path 'nixos-fleet:waves[0].pause' 10s");
    const next = await cloud.change("homes/alice.nix", (text) => text.replace(/^\{$/m, `{${broken}`));
    expect(await cloud.up()).toContain("wave canary has answered; it has to run the revision for another");
    const status = await cloud.status();
    for (const vm of [canary, alice, bob]) await cloud.expectRuns(vm, next);
    expect(status[alice]?.homes["alice"]).toMatchObject({ outcome: "failed", rolledBack: true });
    const tookAt = (vm: string) => Date.parse(status[vm]?.system?.at ?? "");
    expect(tookAt(bob) - tookAt(alice)).toBeGreaterThanOrEqual(10_000);
  });

  it("ends where homes count: no later wave is approved", async () => {
    const before = await cloud.head();
    await cloud.configure("--path 'nixos-fleet:waves[0].homes' gate");
    const bad = await cloud.bump();
    const up = await cloud.up("badly");
    expect(up).toMatch(new RegExp(`${alice} +failed +after .*home alice: switch failed, rolled back`));
    expect(up).toContain("the editor is missing");
    for (const vm of [canary, bob]) {
      await cloud.in(vm, "systemctl start nixos-auto-update.service");
      await cloud.expectRuns(vm, before);
    }
    expect(await cloud.up("badly")).toContain(`fleet retry ${bad}`);
  });

  it("goes on with the fix", async () => {
    const fixed = await cloud.change("homes/alice.nix", (text) => text.replace(broken, ""));
    await cloud.up();
    for (const vm of [canary, alice, bob]) await cloud.expectRuns(vm, fixed);
    expect((await cloud.status())[alice]?.homes["alice"]).toMatchObject({
      outcome: successfulOutcome,
      revision: fixed,
    });
  });
});

describe("a home with a private repository of its own", () => {
  const [repository, clone] = [join(cloud.state, "git/bob.git"), join(cloud.state, "bob")];
  const url = "https://git.internal/bob.git";
  const file = join(clone, "homes/bob.nix");

  async function push(activation: string): Promise<string> {
    const empty = readFileSync(file, "utf8").replace(/^ *home\.activation.*\n/gm, "");
    writeFileSync(file, empty.replace(/^\{$/m, `{\n  home.activation.own = "${activation}";`));
    await execa({
      cwd: clone,
    })`git -c user.name=bob -c user.email=bob@example.com commit --quiet --all --message ${activation}`;
    await execa({ cwd: clone })`git push --quiet origin HEAD:main`;
    return (await execa({ cwd: clone })`git rev-parse HEAD`).stdout;
  }
  const home = async () => (await cloud.status())[bob]?.homes["bob"];
  const runs = (revision: string) => until("the home follows", 90, async () => (await home())?.revision === revision);

  beforeAll(async () => {
    await execa`git clone --quiet --bare ${join(cloud.state, "git/config.git")} ${repository}`;
    await execa`git clone --quiet ${repository} ${clone}`;
    // It shares no history with what the home ran until now.
    const bobs = execa({ cwd: clone });
    const { stdout: root } =
      await bobs`git -c user.name=bob -c user.email=bob@example.com commit-tree ${"HEAD^{tree}"} -m own`;
    await bobs`git reset --quiet --hard ${root}`;
    await bobs`git push --quiet --force origin HEAD:main`;
    await cloud.configure(
      `--path 'nixos-fleet:vms[2].homes[0].repository' ${url}`,
      `--secret --path 'nixos-fleet:homeDeployKeys["${url}"]' <${join(cloud.state, "git-token")}`,
      "--path 'nixos-fleet:waves[1].homes' gate",
    );
  });

  it("is approved along with the system, and then alone", async () => {
    const [first, system] = [await push("true"), await cloud.bump()];
    await cloud.up();
    await cloud.expectRuns(bob, system);
    await runs(first);
    const second = await push("echo again");
    await cloud.up();
    expect(await home()).toMatchObject({ outcome: successfulOutcome, revision: second });
    await cloud.expectRuns(bob, system);
  });

  it("fails its wave where homes count, and leaves the system alone", async () => {
    const bad = await push("echo the shell is missing; exit 3");
    const up = await cloud.up("badly");
    expect(up).toContain("home bob: switch failed, rolled back");
    // The system's revision is the one that the wave has passed with.
    expect(up).toMatch(/wave rest has passed [0-9a-f]{7} before: nothing is held or rolled back/);
    expect(await home()).toMatchObject({ outcome: "failed", rolledBack: true });
    expect((await home())?.revision).not.toBe(bad);

    const fixed = await push("true");
    await cloud.up();
    await runs(fixed);
  });
});
