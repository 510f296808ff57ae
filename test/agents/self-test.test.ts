/** The agent that an update brings proves that it works on the machine, under the sandbox of each unit of its system, before it is activated. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectComplete, expectRuns } from "../faults/expect-generation";
import { Lab } from "../faults/lab";
import type { Source } from "../faults/source";
import type { Vm } from "../faults/vm";

const bundle = "nixos-fleet/agent/agent.cjs";
const hardening = "nixos-fleet/nix/lib/hardening.nix";

let lab: Lab;
let source: Source;
let vm: Vm;

describe("an update's agent", () => {
  beforeAll(async () => {
    lab = await Lab.open();
    source = await lab.source();
    vm = await lab.vm("proves", source);
  });
  afterAll(() => lab.close());

  it.each([
    [
      "that does not start",
      bundle,
      (text: string) => `throw new Error("lost in the build");\n${text}`,
      "lost in the build",
    ],
    [
      "that cannot run in the watcher's sandbox",
      hardening,
      (text: string) => text.replace("base = {", 'base = {\n    InaccessiblePaths = "/usr/bin/node";'),
      "under the sandbox of nixos-auto-update-reboot.service",
    ],
  ])("is not activated: one %s", async (_, file, edit, why) => {
    const good = await source.head();
    const before = await vm.facts();
    await source.edit(file, edit);
    await source.commit();
    await vm.update();
    const is = await vm.facts();
    expect(is).toMatchObject({ current: before.current, profile: before.current, failed: [] });
    expect(vm.report()).toMatchObject({ outcome: "failed", stage: "verify", rolledBack: false });
    expect(vm.report().error).toContain(why);
    expect(await vm.lastRun()).not.toContain("switching to");

    await vm.update();
    expect(await vm.lastRun()).toContain("refused");
    await source.reset(good);
    await source.commit();
    await vm.update();
    await expectRuns(await vm.facts(), source);
  });

  it("is not activated with a window that it cannot read, in a system whose agent is the same", async () => {
    const before = await vm.facts();
    source.extra = 'services.nixos-auto-update.window = [ "03:00-05:00 Europe/Berlim" ];';
    await source.commit();
    await vm.update();
    expect(await vm.facts()).toMatchObject({ current: before.current, profile: before.current, failed: [] });
    expect(vm.report()).toMatchObject({ outcome: "failed", stage: "verify", rolledBack: false });
    expect(vm.report().error).toContain('unknown time zone "Europe/Berlim"');
    source.extra = "";
    await source.commit();
    await vm.update();
    await expectRuns(await vm.facts(), source);
  });

  it("is activated where it has no self-test, being older", async () => {
    await source.edit(bundle, (text) => text.replaceAll('"self-test"', '"self-test-of-later"'));
    await source.commit();
    await vm.update();
    const is = await vm.facts();
    expectComplete(is);
    await expectRuns(is, source);
    expect(await vm.sh("/run/current-system/sw/bin/nixos-auto-update self-test; echo $?")).toBe("2");
  });

  it("leaves nothing of the proof behind", async () => {
    expect(await vm.sh("ls /run/systemd/system /run/nixos-auto-update | grep self-test || true")).toBe("");
    expect(await vm.sh("systemctl list-units --all --no-legend 'nixos-auto-update-self-test*'")).toBe("");
  });
});
