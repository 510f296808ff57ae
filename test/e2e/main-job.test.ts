/** The main job, as its user does it, in the order in which she does. */
import { afterAll, describe, expect, it } from "vitest";
import { short } from "../../contracts";
import { TestCloud, until } from "./cloud";

const cloud = new TestCloud();
const vms = ["dev-canary", "dev-alice", "dev-bob"];
const flake = (vm: string, revision: string) =>
  `git+file:///etc/nixos?rev=${revision}#nixosConfigurations.\\"${vm}\\".config.system.build.toplevel`;

/** Seen from outside: what runs is what the test itself builds from a revision, and the service is of it. */
async function expectRuns(vm: string, revision: string) {
  const built = await cloud.in(vm, `cd / && nix build --no-link --print-out-paths "${flake(vm, revision)}"`);
  expect(await cloud.in(vm, "readlink -f /run/current-system /nix/var/nix/profiles/system")).toBe(`${built}\n${built}`);
  const lock = JSON.parse(await cloud.in(vm, `git -C /etc/nixos show ${revision}:flake.lock`)) as {
    nodes: { nixpkgs: { locked: { rev: string } } };
  };
  expect(await cloud.in(vm, "cat /run/fleet-demo/version")).toContain(short(lock.nodes.nixpkgs.locked.rev));
}

const generations = async (vm: string) =>
  Number(await cloud.in(vm, "ls /nix/var/nix/profiles | grep -c 'system-.*-link'"));

afterAll(() => cloud.down());

describe("the main job", () => {
  it("comes up from nothing: three VMs, none behind", async () => {
    const { exitCode, text } = await cloud.local("up");
    expect(exitCode, text).toBe(0);
    const status = await cloud.status();
    expect(Object.keys(status).sort()).toEqual([...vms].sort());
    for (const vm of vms) {
      expect(status[vm]).toMatchObject({ state: "RUNNING", drift: "none" });
      await expectRuns(vm, await cloud.head());
      expect(await cloud.in(vm, "git -C /etc/nixos rev-parse HEAD")).toBe(await cloud.head());
      expect(await cloud.in(vm, "systemctl is-system-running")).toBe("running");
    }
  });

  it("gives developers their homes", async () => {
    await until(
      "alice's home",
      60,
      async () => (await cloud.status())["dev-alice"]?.homes["alice"]?.outcome === "updated",
    );
    expect(await cloud.in("dev-alice", "stat -c %U /home/alice/.config/fleet-demo/version")).toBe("alice");
  });

  it("arms both timers for the configured time after boot, and neither has fired in the switch", async () => {
    const property = (unit: string, name: string, user = "") =>
      cloud.in("dev-alice", `systemctl ${user} show ${unit} --property=${name} --value`);
    expect(await property("nixos-auto-update.timer", "ActiveState")).toBe("active");
    expect(await property("nixos-auto-update.timer", "TimersMonotonic")).toContain("OnActiveUSec=5min");
    expect(await property("nixos-auto-update.timer", "LastTriggerUSec")).toBe("");
    expect(await property("nixos-hm-auto-update.timer", "TimersMonotonic", "--user -M alice@")).toContain(
      "OnActiveUSec=10min",
    );
    expect(await property("nixos-hm-auto-update.timer", "LastTriggerUSec", "--user -M alice@")).toBe("");
  });

  it("has nothing to do the second time", async () => {
    const booted = await cloud.in("dev-alice", "cat /proc/stat | grep btime");
    const { exitCode, text } = await cloud.pulumi("up --yes");
    expect(exitCode, text).toBe(0);
    expect(text).toMatch(/Resources:\n\s+\d+ unchanged\n/);
    expect(await cloud.in("dev-alice", "cat /proc/stat | grep btime")).toBe(booted);
  });

  it("rolls a lock change out, canary first", async () => {
    const before = await cloud.head();
    expect((await cloud.local("bump-lock")).exitCode).toBe(0);
    const after = await cloud.head();
    const preview = await cloud.pulumi("preview --diff");
    expect(preview.text).toContain(short(before));
    expect(preview.text).toContain(short(after));
    expect(preview.text).not.toMatch(/replace|Instance.*update/);

    const up = await cloud.pulumi("up --yes");
    expect(up.exitCode, up.text).toBe(0);
    const status = await cloud.status();
    for (const vm of vms) await expectRuns(vm, after);
    expect(Date.parse(status["dev-canary"]?.system?.at ?? "")).toBeLessThan(
      Date.parse(status["dev-bob"]?.system?.at ?? ""),
    );

    expect((await cloud.pulumi("up --yes")).text).toMatch(/Resources:\n\s+\d+ unchanged\n/);
  });

  it("runs one update when two triggers and a timer come at once", async () => {
    const before = await generations("dev-alice");
    await cloud.local("bump-lock");
    const said = await cloud.in(
      "dev-alice",
      "nixos-auto-update trigger --by first & nixos-auto-update trigger --by second & systemctl start nixos-auto-update.service & nixos-auto-update run --by third & wait",
    );
    expect(await generations("dev-alice")).toBe(before + 1);
    const journal = await cloud.in("dev-alice", "journalctl -u nixos-auto-update --no-pager -o cat");
    // Who comes first is chance; that somebody waited and that the journal names an asker is not.
    expect(journal).toMatch(/\b(first|second)\b/);
    expect(said + journal).toContain("waiting: an update is running");
    expect((await cloud.pulumi("up --yes")).exitCode).toBe(0);
  });

  it("takes a shorter time after boot from the configuration", async () => {
    await cloud.change("modules/common.nix", (text) =>
      text.replace("services.nixos-auto-update.enable = true;", '$& services.nixos-auto-update.onBoot = "15s";'),
    );
    const up = await cloud.pulumi("up --yes");
    expect(up.exitCode, up.text).toBe(0);
    expect(
      await cloud.in("dev-bob", "systemctl show nixos-auto-update.timer --property=TimersMonotonic --value"),
    ).toContain("OnActiveUSec=15s");
  });

  it("lets a stopped VM catch up by itself", async () => {
    expect((await cloud.local("stop", "dev-bob")).exitCode).toBe(0);
    await cloud.local("bump-lock");
    const up = await cloud.pulumi("up --yes");
    expect(up.exitCode, up.text).toBe(0);
    expect((await cloud.status())["dev-bob"]).toMatchObject({ drift: "stopped" });
    expect((await cloud.local("start", "dev-bob")).exitCode).toBe(0);
    const head = await cloud.head();
    await until("dev-bob caught up", 120, async () => (await cloud.status())["dev-bob"]?.system?.revision === head);
    await expectRuns("dev-bob", head);
  });

  // Known fault, docs/status.md: now and then a VM that was reset does not take the push within the limit.
  it("follow: branch takes a push at the next boot, by the timer alone", { retry: 2 }, async () => {
    const pushed = (await cloud.local("bump-lock")).exitCode === 0 ? await cloud.head() : "";
    expect((await cloud.local("reboot", "dev-alice")).exitCode).toBe(0);
    await until(
      "dev-alice has the push",
      120,
      async () => (await cloud.status())["dev-alice"]?.system?.revision === pushed,
    );
    await expectRuns("dev-alice", pushed);
    expect((await cloud.pulumi("up --yes")).exitCode).toBe(0);
  });

  it("stops a revision that does not build at the canary", async () => {
    const good = await cloud.head();
    const bad = await cloud.change("hosts/dev-canary.nix", (text) =>
      text.replace(/^\{/m, '{ broken = throw "no such option";'),
    );
    const up = await cloud.pulumi("up --yes");
    expect(up.exitCode).not.toBe(0);
    const status = await cloud.status();
    expect(status["dev-canary"]?.system).toMatchObject({
      outcome: "failed",
      stage: "build",
      revision: good,
      approved: bad,
    });
    await expectRuns("dev-canary", good);
    expect(status["dev-alice"]?.wanted).toBe(good);

    await cloud.local("reboot", "dev-bob");
    await until("dev-bob's timer ran", 120, async () => {
      const report = (await cloud.status())["dev-bob"]?.system;
      return report?.bootedAt !== status["dev-bob"]?.system?.bootedAt;
    });
    await expectRuns("dev-bob", good);

    const again = await cloud.pulumi("up --yes");
    expect(again.exitCode).not.toBe(0);

    await cloud.change("hosts/dev-canary.nix", (text) => text.replace(' broken = throw "no such option";', ""));
    const fixed = await cloud.pulumi("up --yes");
    expect(fixed.exitCode, fixed.text).toBe(0);
    for (const vm of vms) await expectRuns(vm, await cloud.head());
  });

  it("goes down and leaves nothing", async () => {
    const { exitCode, text } = await cloud.local("down");
    expect(exitCode, text).toBe(0);
  });
});
