/** What the tool says that VMs do next, with the branch that they follow in a repository. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { approvalKey, controlKey } from "../../../../rules/contract";
import { FakeCompute } from "../google/fake-compute";
import { approval, hold, report, vm } from "../fleet-samples";
import { patience } from "../../../setup/pace";
import { identity, runFleet } from "../run-fleet";

const directory = mkdtempSync(join(tmpdir(), "fleet-next-"));
const repository = join(directory, "config");
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Commits of `main`, the oldest first: a, b, and a merge of c. */
let commits: string[];
beforeAll(async () => {
  await execa`git init --quiet --initial-branch=main ${repository}`;
  const git = execa({ cwd: repository, env: identity });
  const commit = async (...args: string[]) => {
    await git`git commit --quiet --allow-empty --message x ${args}`;
    return (await git`git rev-parse HEAD`).stdout;
  };
  const first = await commit();
  await git`git checkout --quiet -b side`;
  const side = await commit("--message", "side");
  await git`git checkout --quiet main`;
  const second = await commit();
  await git`git merge --quiet --no-ff -m merge side`;
  commits = [first, second, side, (await git`git rev-parse HEAD`).stdout];
});

let fake: FakeCompute;
let env: NodeJS.ProcessEnv;
beforeEach(async () => {
  fake = new FakeCompute();
  env = {
    NIXOS_FLEET_COMPUTE_ENDPOINT: await fake.start(),
    GOOGLE_OAUTH_ACCESS_TOKEN: "t",
    GOOGLE_CLOUD_PROJECT: "p",
    PATH: process.env["PATH"],
  };
  const labels = { "nixos-fleet": "devs", "nixos-fleet-stack": "dev", "nixos-fleet-wave": "rest" };
  const item = { ...(JSON.parse(vm("a").item ?? "") as object), repository };
  const [first = "", second = ""] = commits;
  fake.instances = [first, second].map((revision, index) => ({
    name: `dev-${index + 1}`,
    labels,
    metadata: { "nixos-fleet": JSON.stringify(item) },
    guest: { "nixos-fleet/system": JSON.stringify(report({ revision, approved: first, outcome: "unchanged" })) },
  }));
  fake.metadata[approvalKey("devs", "dev", "rest")] = JSON.stringify(approval(first));
});
afterEach(() => fake.stop());

interface Document {
  branches: { head: string | null; problem: string | null }[];
  vms: { next: { text: string; atBoot: { text: string } | null } }[];
}
const status = async (): Promise<Document> =>
  JSON.parse((await runFleet(["status", "--json"], env)).out.join("\n")) as Document;

describe("VMs that follow their branch", () => {
  it("go to its head at their next boot, so many commits past what each runs", async () => {
    const { out } = await runFleet(["status"], env);
    expect(out).toContain("  dev-1: branch is 3 ahead; goes there at the next boot");
    expect(out).toContain("  dev-2: branch is 2 ahead; goes there at the next boot");
    const { branches, vms } = await status();
    expect(branches).toEqual([{ repository, branch: "main", head: commits[3], problem: null }]);
    expect(vms[0]?.next.atBoot?.text).toBe("branch is 3 ahead; goes there at the next boot");
    const shown = (await runFleet(["show", "dev-1"], env)).out.join("\n");
    expect(shown).toMatch(/^ {2}next +.*running it$/m);
    expect(shown).toMatch(/^ {2}at boot +branch is 3 ahead; goes there at the next boot$/m);
  });

  it("say in their report that they keep failing, and are shown with how often and until when", async () => {
    const [first = "", second = ""] = commits;
    const failed = { outcome: "failed", stage: "build", error: "error: odd", transient: true } as const;
    const failing = { tries: 4, since: "2026-01-01T08:00:00Z", nextTry: "2026-01-02T11:30:00Z" };
    const said = report({ revision: second, approved: first, ...failed, failing });
    const [, vm] = fake.instances;
    Object.assign(vm ?? {}, { guest: { "nixos-fleet/system": JSON.stringify(said) } });
    const shown = (await runFleet(["show", "dev-2"], env)).out.join("\n");
    expect(shown).toMatch(
      /^ {2}failing +4 times since 2026-01-01T08:00:00Z; tries again at boot.* after 2026-01-02T11:30:00Z$/m,
    );
    expect((await runFleet(["status"], env)).out.join("\n")).toMatch(
      /dev-2 .*failed .*build keeps failing: error: odd/,
    );
  });

  it("go nowhere under a hold, and not to the head while a rollout is open", async () => {
    fake.metadata[controlKey("devs", "dev")] = JSON.stringify({ holds: [hold("fleet")] });
    expect((await status()).vms.map(({ next }) => [next.text, next.atBoot])).toEqual([
      ["stays: held by eve@desk: demo", null],
      ["stays: held by eve@desk: demo", null],
    ]);
    fake.metadata[controlKey("devs", "dev")] = "{}";
    fake.metadata[approvalKey("devs", "dev", "canary")] = JSON.stringify(approval(commits[3] ?? ""));
    expect((await status()).vms[0]?.next.atBoot).toBeNull();
  });

  it("are shown all the same where the repository is away, or where git never ends", async () => {
    rmSync(join(directory, "bin"), { recursive: true, force: true });
    const elsewhere = { ...env, NIXOS_FLEET_RESOLVE_FROM: join(directory, "nowhere") };
    const away = JSON.parse((await runFleet(["status", "--json"], elsewhere)).out.join("\n")) as Document;
    expect(away.branches[0]).toMatchObject({
      head: null,
      problem: expect.stringMatching(/does not exist|not appear/) as string,
    });
    expect(away.vms[0]?.next.atBoot?.text).toBe("goes to the head of main at its next boot");

    const bin = mkdtempSync(join(directory, "bin-"));
    writeFileSync(join(bin, "git"), "#!/bin/bash\ntrap '' TERM\nwhile :; do sleep 1; done\n");
    chmodSync(join(bin, "git"), 0o755);
    env["PATH"] = `${bin}:${process.env["PATH"] ?? ""}`;
    const began = Date.now();
    expect((await status()).branches[0]).toMatchObject({ head: null, problem: "no answer within 3 s" });
    expect(Date.now() - began).toBeLessThan(patience(8));
  });
});

it("the repository of VMs that follow approvals is not asked", async () => {
  for (const one of fake.instances) {
    const item = JSON.parse(one.metadata?.["nixos-fleet"] ?? "") as object;
    one.metadata = { "nixos-fleet": JSON.stringify({ ...item, follow: "approved" }) };
  }
  expect((await status()).branches).toEqual([]);
});
