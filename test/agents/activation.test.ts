/** How a real machine activates systems: live also with another kernel, on trial until the next boot, and whatever users' managers do. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectComplete, expectRuns } from "../faults/complete";
import { Lab, limits } from "../faults/lab";
import type { Flaw, Source } from "../faults/source";
import type { Vm } from "../faults/vm";

let lab: Lab;
let source: Source;
let vm: Vm;
let kernels = 0;

/** Pushes a revision with another kernel, initrd and modules, and updates to it. */
async function newKernel(flaw: Flaw = "none", more = ""): Promise<void> {
  source.extra = `boot.kernelPackages.kernel.version = "6.12.${++kernels}"; ${more}`;
  await source.commit(flaw);
  await vm.update();
}

const trial = () => vm.sh("cat /var/lib/nixos-auto-update/trial.json 2>/dev/null || true");

async function rebooted(): Promise<void> {
  await vm.powerOff();
  await vm.recovered();
}

// The agent in bash activates another kernel by the next boot only, and knows no windows.
describe.runIf(process.env["NIXOS_FLEET_AGENT"] === "node")("a system", () => {
  beforeAll(async () => {
    lab = await Lab.open();
    source = await lab.source();
    vm = await lab.vm("activates", source);
    await vm.settle({ ...limits, NIXOS_AUTO_UPDATE_USER_TIMEOUT: "3" });
    await newKernel();
    await rebooted();
  });
  afterAll(() => lab.close());

  it("runs a system with another kernel at once, and says that it needs a reboot", async () => {
    await newKernel();
    const is = await vm.facts();
    await expectRuns(is, source);
    expect(is.booted).not.toBe(is.current);
    expect(vm.report()).toMatchObject({ outcome: "updated", rebootRequired: true, toplevel: is.current });
    expect(await trial()).toContain('"kept":true');
    await rebooted();
    await expectRuns(await vm.facts(), source);
    expect(vm.report()).toMatchObject({ rebootRequired: false });
    expect(await trial()).toBe("");
  });

  it("goes back at once from a system with another kernel and a unit that fails", async () => {
    const before = await vm.facts();
    await newKernel("unit");
    const is = await vm.facts();
    expectComplete(is);
    expect(is.current).toBe(before.current);
    expect(vm.report()).toMatchObject({ outcome: "failed", stage: "health", rolledBack: true });
  });

  it("goes back by itself from a system that does badly only with its own kernel", async () => {
    const before = await vm.facts();
    const bad = `6.12.${kernels + 1}`;
    const check = `test \\"$(cat /run/booted-system/kernel)\\" != ${bad}`;
    await newKernel("none", `services.nixos-auto-update.healthChecks.kernel.command = "${check}";`);
    await expectRuns(await vm.facts(), source);
    expect(vm.report()).toMatchObject({ outcome: "updated", rebootRequired: true });

    await rebooted();
    expect(vm.report()).toMatchObject({ outcome: "failed", stage: "health", rolledBack: true, rebootRequired: true });
    expect(await vm.facts()).toMatchObject({ current: before.current, profile: before.current });
    await rebooted();
    const is = await vm.facts();
    expectComplete(is);
    expect(is).toMatchObject({ current: before.current, booted: before.current });
    expect(vm.report()).toMatchObject({ outcome: "failed", rebootRequired: false });
  });

  it("does not count units that need the new kernel before it runs", async () => {
    const fails = `systemd.services.driver = { wantedBy = [ "multi-user.target" ]; serviceConfig.Type = "oneshot"; script = "test \\"$(cat /run/booted-system/kernel)\\" = 6.12.${kernels + 1}"; };`;
    await newKernel("none", `${fails} services.nixos-auto-update.healthAfterReboot = [ "driver.service" ];`);
    expect(vm.report()).toMatchObject({ outcome: "updated", rebootRequired: true });
    await rebooted();
    await expectRuns(await vm.facts(), source);
  });

  it.each([
    ["its pre-switch checks fail", 'system.preSwitchChecks.never = "test $2 = boot";'],
    ["it changes a critical component", 'system.switch.inhibitors.dbus = "two";'],
    ["its configuration says so", 'services.nixos-auto-update.activation = "boot";'],
  ])("leaves a system to the next boot where %s", async (_, module) => {
    source.extra = 'system.switch.inhibitors.dbus = "one";';
    await source.commit();
    await vm.update();
    await rebooted();
    const before = await vm.facts();
    await expectRuns(before, source);

    source.extra = module.includes("inhibitors") ? module : `system.switch.inhibitors.dbus = "one"; ${module}`;
    await source.commit();
    await vm.update();
    const is = await vm.facts();
    expect(is).toMatchObject({ current: before.current, next: source.number, failed: [] });
    expect(vm.report()).toMatchObject({ outcome: "updated", rebootRequired: true });
    await rebooted();
    await expectRuns(await vm.facts(), source);
    expect(vm.report()).toMatchObject({ rebootRequired: false });
  });

  it("waits for no user's manager beyond its bound, and says whose it was", async () => {
    await vm.sh(`useradd --create-home mallory; useradd --create-home carol
    folder=/home/mallory/.config/systemd/user
    runuser -u mallory -- mkdir -p $folder
    printf '[Service]\\nType=oneshot\\nExecStart=sleep infinity\\n' >$folder/nixos-activation.service
    chown mallory $folder/nixos-activation.service
    loginctl enable-linger mallory; loginctl enable-linger carol`);
    await vm.until(
      "their managers run",
      "test -S /run/user/$(id -u mallory)/systemd/private && systemctl --user --machine=carol@ is-active default.target",
      60,
    );
    source.extra = 'system.userActivationScripts.mark = "touch ~/activated";';
    await source.commit();
    await vm.update(60);
    await expectRuns(await vm.facts(), source);
    expect(await vm.lastRun()).toContain("the units of mallory did not settle within 3 s; going on without them");
    expect(vm.report()).toMatchObject({ outcome: "updated" });
    expect(await vm.is("test -e /home/carol/activated")).toBe(true);
    expect(await vm.sh("systemctl is-active metadata-firewall.service")).toBe("active");
  });
});
