/** How a real machine activates systems: live also with another kernel, on trial until the next boot, and whatever users' managers do. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectComplete, expectRuns } from "../faults/expect-generation";
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

/** A builder's commands for a switch-to-configuration that does not know the action `check`, as older releases have it. */
const withoutCheck =
  "sed -i '2i [ $1 != check ] || { echo Usage: switch boot test dry-activate >&2; exit 1; }' bin/switch-to-configuration";

const trial = () => vm.sh("cat /var/lib/nixos-auto-update/trial.json 2>/dev/null || true");

async function rebooted(): Promise<void> {
  await vm.powerOff();
  await vm.recovered();
}

describe("a system", () => {
  beforeAll(async () => {
    lab = await Lab.open();
    source = await lab.source();
    vm = await lab.vm("activates", source, { contract: 2 });
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
    ["its pre-switch checks fail", 'system.preSwitchChecks.never = "test $2 = boot";', "its pre-switch checks fail"],
    ["it changes a critical component", 'system.switch.inhibitors.dbus = "two";', "its pre-switch checks fail"],
    [
      "it is of a release without checks and changes a critical component",
      `system.switch.inhibitors.dbus = "two"; system.systemBuilderCommands = "${withoutCheck}";`,
      "it changes dbus of the running system",
    ],
    ["its configuration says so", 'services.nixos-auto-update.activation = "boot";', "its configuration says so"],
  ])("leaves a system to the next boot where %s", async (_, module, why) => {
    source.extra = 'system.switch.inhibitors.dbus = "one";';
    await source.commit();
    await vm.update();
    await rebooted();
    const before = await vm.facts();
    await expectRuns(before, source);

    source.extra = module.includes("inhibitors") ? module : `system.switch.inhibitors.dbus = "one"; ${module}`;
    await source.commit();
    await vm.update();
    expect(await vm.lastRun()).toContain(`the next boot activates it: ${why}`);
    const is = await vm.facts();
    expect(is).toMatchObject({ current: before.current, next: source.number, failed: [] });
    expect(vm.report()).toMatchObject({ outcome: "updated", rebootRequired: true });
    await rebooted();
    await expectRuns(await vm.facts(), source);
    expect(vm.report()).toMatchObject({ rebootRequired: false });
  });

  it("goes back from one that fails to what ran, and leaves the next boot to the one that waits for it", async () => {
    source.extra = "";
    await source.commit();
    await vm.update();
    await rebooted();
    const before = await vm.facts();

    source.extra = 'services.nixos-auto-update.activation = "boot";';
    await source.commit();
    await vm.update();
    const waits = await vm.facts();
    expect(waits).toMatchObject({ current: before.current, next: source.number });

    source.extra = "";
    await source.commit("unit");
    await vm.update();
    expect(vm.report()).toMatchObject({ outcome: "failed", stage: "health", rolledBack: true, rebootRequired: true });
    expect(await vm.facts()).toMatchObject({ current: before.current, profile: waits.profile, failed: [] });
    await rebooted();
    expect(await vm.facts()).toMatchObject({ current: waits.profile, booted: waits.profile });
  });

  it("that cannot come back live says that it needs a reboot, and has gone back after it", async () => {
    source.extra = 'system.preSwitchChecks.never = "test $2 = boot";';
    await source.commit();
    await vm.update();
    await rebooted();
    const before = await vm.facts();
    await expectRuns(before, source);

    source.extra = "";
    await source.commit("unit");
    await vm.update();
    expect(vm.report()).toMatchObject({ outcome: "failed", stage: "health", rolledBack: false, rebootRequired: true });
    expect(await vm.facts()).toMatchObject({ profile: before.profile, next: before.number });
    await rebooted();
    expect(vm.report()).toMatchObject({ outcome: "failed", stage: "health", rolledBack: true, rebootRequired: false });
    expect(await vm.facts()).toMatchObject({ current: before.current, booted: before.current });
    expect(await trial()).toBe("");
  });

  it("waits for another switch that runs, and is activated live after it", async () => {
    source.extra = "";
    await source.commit();
    await vm.sh("mkdir -p /run/nixos");
    await vm.sh("systemd-run --unit=other-switch flock /run/nixos/switch-to-configuration.lock sleep infinity");
    await vm.update();
    expect(vm.report()).toMatchObject({ outcome: "failed", stage: "switch", transient: true, rebootRequired: false });
    expect(await trial()).toBe("");
    await vm.sh("systemctl stop other-switch");
    await vm.until("it is tried again", `grep -qx ${source.number} /run/current-system/etc/lab`, 120);
    await vm.idle();
    await expectRuns(await vm.facts(), source);
  });

  it("is not kept from its switch, or its way back, by a user who holds the lock", async () => {
    source.extra = "";
    await source.commit();
    await vm.sh(`useradd dev; mkdir -p /run/nixos; : >>/run/nixos/switch-to-configuration.lock
      systemd-run --quiet --unit=holds-lock --uid=dev flock --shared /run/nixos/switch-to-configuration.lock sleep infinity`);
    await vm.update();
    await expectRuns(await vm.facts(), source);
    expect(await vm.sh("systemctl is-active holds-lock; stat -c %a /run/nixos/switch-to-configuration.lock")).toBe(
      "active\n600",
    );
    await vm.sh("systemctl stop holds-lock");
  });

  it("goes back without a live switch from one that cannot be set for the next boot", async () => {
    source.extra = 'system.activationScripts.count = "echo activated >>/run/activations";';
    await source.commit();
    await vm.update();
    await expectRuns(await vm.facts(), source);
    const before = await vm.facts();
    const activations = await vm.sh("cat /run/activations");

    source.extra = `${source.extra} services.nixos-auto-update.activation = "boot";`;
    await source.commit("bootLoader");
    await vm.update();
    expect(vm.report()).toMatchObject({ outcome: "failed", stage: "switch", rolledBack: true, rebootRequired: false });
    expect(await vm.facts()).toMatchObject({ current: before.current, profile: before.current, next: before.number });
    expect(await vm.sh("cat /run/activations")).toBe(activations);
  });

  it("tries one again whose boot loader had no space, and does not refuse it", async () => {
    const loader = "test -e /run/space || { echo cp: write error: No space left on device >&2; exit 1; }";
    source.extra = `system.systemBuilderCommands = "echo '${loader}' >install-boot-loader";`;
    await source.commit();
    await vm.update();
    expect(vm.report()).toMatchObject({ outcome: "failed", stage: "switch", transient: true, rolledBack: true });
    await vm.sh("touch /run/space");
    await vm.until("it is tried again", `grep -qx ${source.number} /run/current-system/etc/lab`, 120);
    await vm.idle();
    await expectRuns(await vm.facts(), source);
  });

  it("goes back though the boot loader has no space for the former one either, which it starts already", async () => {
    const grub = String.raw`test ! -e /run/full || { echo cp: write error: No space left on device >&2; exit 1; }
      mkdir -p /boot/grub
      printf 'set default=0\nmenuentry "NixOS" {\n  linux k init=%s/init quiet\n}\n' $1 >/boot/grub/grub.cfg`;
    const installs = `system.systemBuilderCommands = ''\ncat >install-boot-loader <<\\END\n${grub}\nEND\n'';`;
    source.extra = installs;
    await source.commit();
    await vm.update();
    const before = await vm.facts();
    await expectRuns(before, source);

    await vm.sh("touch /run/full");
    source.extra = `${installs} system.activationScripts.more = "true";`;
    await source.commit();
    await vm.update();
    expect(vm.report()).toMatchObject({ outcome: "failed", stage: "switch", transient: true, rolledBack: true });
    expect(await vm.facts()).toMatchObject({ current: before.current, profile: before.profile, next: before.number });
    expect(await vm.lastRun()).not.toContain("COULD NOT ROLL BACK");
    await vm.sh("rm /run/full");
    await vm.until("it is tried again", `grep -qx ${source.number} /run/current-system/etc/lab`, 120);
    await vm.idle();
    await expectRuns(await vm.facts(), source);
    await vm.sh("rm /boot/grub/grub.cfg");
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
    expect(await vm.lastRun()).toContain("the units of mallory did not settle within 3 s; continuing without them");
    expect(vm.report()).toMatchObject({ outcome: "updated" });
    expect(await vm.is("test -e /home/carol/activated")).toBe(true);
    expect(await vm.sh("systemctl is-active metadata-firewall.service")).toBe("active");
  });

  it("switches again when a user leaves while another one's manager keeps the switch waiting", async () => {
    await vm.settle({ ...limits, NIXOS_AUTO_UPDATE_USER_TIMEOUT: "60", NIXOS_AUTO_UPDATE_SWITCH_TIMEOUT: "200" });
    await vm.sh("systemctl --user --machine=mallory@ stop nixos-activation.service");
    const carol = `/org/freedesktop/login1/user/_${await vm.sh("id -u carol")}`;
    const isKnown = `busctl get-property org.freedesktop.login1 ${carol} org.freedesktop.login1.User GID`;
    const leave = `until pgrep -u mallory -x sleep; do sleep 0.1; done; loginctl disable-linger carol
    while ${isKnown}; do sleep 0.1; done; while sleep 0.1; do pkill -u mallory -x sleep; done`;
    await vm.sh(`systemd-run --unit=leave bash -c '${leave}'`);
    source.extra = 'system.userActivationScripts.mark = "touch ~/activated-again";';
    await source.commit();
    await vm.update();
    await vm.sh("systemctl stop leave");
    await expectRuns(await vm.facts(), source);
    expect(await vm.lastRun()).toContain("a user who logged out ended the switch half way; switching again");
    expect(vm.report()).toMatchObject({ outcome: "updated" });
  });
});
