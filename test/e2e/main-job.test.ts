/** The main job, as its user does it, in the order in which she does. */
import { resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { short } from "../../rules/contract";
import { TestCloud, until } from "./cloud";

const cloud = new TestCloud(resolve(__dirname, "../.."));
const vms = ["dev-canary", "dev-alice", "dev-bob"];
afterAll(() => cloud.down());

describe("the main job", () => {
  it("comes up from nothing: three VMs, none behind", async () => {
    const { exitCode, text } = await cloud.local("up");
    expect(exitCode, text).toBe(0);
    const status = JSON.parse((await cloud.shell("./scripts/fleet status --json")).text) as { vms: { name: string }[] };
    expect(status.vms.map(({ name }) => name).sort()).toEqual([...vms].sort());
    for (const vm of vms) {
      expect(status.vms.find(({ name }) => name === vm)).toMatchObject({ state: "RUNNING", drift: "none" });
      await cloud.expectRuns(vm, await cloud.head());
      expect(await cloud.in(vm, "git -C /etc/nixos rev-parse HEAD")).toBe(await cloud.head());
      expect(await cloud.in(vm, "systemctl is-system-running")).toBe("running");
    }
  });

  // They fire 5 and 10 minutes after the switch.
  it("arms both timers for the configured time after boot, and neither has fired in the switch", async () => {
    expect(await cloud.property("dev-alice", "nixos-auto-update.timer", "ActiveState")).toBe("active");
    expect(await cloud.property("dev-alice", "nixos-auto-update.timer", "TimersMonotonic")).toContain(
      "OnActiveUSec=5min",
    );
    expect(await cloud.property("dev-alice", "nixos-auto-update.timer", "LastTriggerUSec")).toBe("");
    expect(await cloud.property("dev-alice", "nixos-hm-auto-update.timer", "TimersMonotonic", "alice")).toContain(
      "OnActiveUSec=10min",
    );
    expect(await cloud.property("dev-alice", "nixos-hm-auto-update.timer", "LastTriggerUSec", "alice")).toBe("");
  });

  it("gives developers their homes", async () => {
    await until(
      "alice's home",
      60,
      async () => (await cloud.status())["dev-alice"]?.homes["alice"]?.revision === (await cloud.head()),
    );
    expect(await cloud.in("dev-alice", "stat -c %U /home/alice/.config/fleet-demo/version")).toBe("alice");
  });

  it("has nothing to do the second time, and restarts nothing", async () => {
    // Field 22 of stat is when the process started: the machine's init, and a service that a switch would restart.
    const started = "cut -d' ' -f22 /proc/1/stat; systemctl show fleet-demo --property=ExecMainPID,NRestarts";
    const before = await Promise.all(vms.map((vm) => cloud.in(vm, started)));
    const again = await cloud.local("up");
    expect(again.exitCode, again.text).toBe(0);
    expect(again.text).toMatch(/Resources:\n\s+\d+ unchanged\n/);
    expect(await Promise.all(vms.map((vm) => cloud.in(vm, started)))).toEqual(before);
    // These two ran the program from its sources, as users have it.
    cloud.useBundle();
  });

  it("rolls a lock change out, canary first", async () => {
    const before = await cloud.head();
    const after = await cloud.bump();
    const preview = await cloud.pulumi("preview --diff");
    expect(preview.text).toContain(short(before));
    expect(preview.text).toContain(short(after));
    expect(preview.text).not.toMatch(/replace|Instance.*update/);

    await cloud.up();
    const status = await cloud.status();
    for (const vm of vms) await cloud.expectRuns(vm, after);
    expect(Date.parse(status["dev-canary"]?.system?.at ?? "")).toBeLessThan(
      Date.parse(status["dev-bob"]?.system?.at ?? ""),
    );

    expect(await cloud.up()).toMatch(/Resources:\n\s+\d+ unchanged\n/);
  });

  it("runs one update when two triggers and a timer come during it", async () => {
    const before = await cloud.generations("dev-alice");
    await cloud.bump();
    const said = await cloud.in(
      "dev-alice",
      "nixos-auto-update run --by third & while flock --nonblock /run/lock/nixos-auto-update.lock true; do sleep 0.05; done; nixos-auto-update trigger --by first & nixos-auto-update trigger --by second & systemctl start nixos-auto-update.service & wait",
    );
    const journal = await cloud.in("dev-alice", "journalctl -u nixos-auto-update --no-pager -o cat");
    expect(await cloud.generations("dev-alice"), said + journal).toBe(before + 1);
    expect(said).toContain("update requested by third (manual)");
    // Which of the three starts the service is chance; a start by hand names no one.
    expect(journal).toMatch(/requested by .*\b(first|second|unknown)\b/);
    expect(journal).toContain("waiting: an update is running (manual by third");
  });

  it("takes a shorter time after boot from the configuration", async () => {
    await cloud.change("modules/common.nix", (text) =>
      text.replace("services.nixos-auto-update.enable = true;", '$& services.nixos-auto-update.onBoot = "15s";'),
    );
    await cloud.up();
    expect(await cloud.property("dev-bob", "nixos-auto-update.timer", "TimersMonotonic")).toContain("OnActiveUSec=15s");
  });

  it("lets a stopped VM catch up by itself", async () => {
    expect((await cloud.local("stop", "dev-bob")).exitCode).toBe(0);
    await cloud.bump();
    await cloud.up();
    expect((await cloud.status())["dev-bob"]).toMatchObject({ drift: "stopped" });
    expect((await cloud.local("start", "dev-bob")).exitCode).toBe(0);
    const head = await cloud.head();
    await until("dev-bob caught up", 120, async () => (await cloud.status())["dev-bob"]?.system?.revision === head);
    await cloud.expectRuns("dev-bob", head);
  });

  it("stops a revision that does not build at the canary", async () => {
    const good = await cloud.head();
    const broken = ' system.systemBuilderCommands = "echo the compiler is missing; exit 3";';
    const bad = await cloud.change("hosts/dev-canary.nix", (text) => text.replace(/^\{/m, `{${broken}`));
    const up = await cloud.up("badly");
    // The output of `pulumi up` has the builder's last lines, and the wave that was not approved.
    expect(up).toContain("the compiler is missing");
    expect(up).toMatch(/wave canary failed: .*later waves are not approved/);
    const status = await cloud.status();
    expect(status["dev-canary"]?.system).toMatchObject({
      outcome: "failed",
      stage: "build",
      revision: good,
      approved: bad,
    });
    await cloud.expectRuns("dev-canary", good);
    expect(status["dev-alice"]?.wanted).toBe(good);

    // The same again fails at once, and moves no one either.
    expect(await cloud.up("badly")).toContain(`fleet retry ${bad}`);
    expect((await cloud.status())["dev-alice"]?.wanted).toBe(good);
    for (const vm of ["dev-alice", "dev-bob"]) await cloud.expectRuns(vm, good);
  });

  it("goes down and leaves nothing", async () => {
    expect(cloud.traces()).not.toEqual([]);
    expect(await cloud.local("down")).toEqual({ exitCode: 0, text: "" });
    expect(cloud.traces()).toEqual([]);
  });
});
