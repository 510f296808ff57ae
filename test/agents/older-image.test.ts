/** A first boot from an image older than the lock: the VM comes to run its whole configuration by itself, with one reboot that no setting allows. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectRuns } from "../faults/expect-generation";
import { Lab, limits } from "../faults/lab";
import { patience } from "../setup/pace";

let lab: Lab;

/** What an image of an older NixOS with another kernel has booted. */
const olderImage = `
  if [ ! -e /run/booted-system ]; then
    mkdir -p /var/older-image
    echo 6.1.1 >/var/older-image/kernel
    echo systemd 2 >/var/older-image/init-interface-version
    ln -s /var/older-image /run/booted-system
    ln -s /var/older-image /run/current-system
  fi`;

// The agent in bash asks what runs whether it may reboot, and so never does.
describe.concurrent("a first boot from an older image", () => {
  beforeAll(async () => {
    lab = await Lab.open({ first: olderImage });
  }, patience(300));
  afterAll(() => lab.close());

  it.each([
    ["whose kernel the configuration changes", "live", ""],
    ["from which it cannot be switched to live", "boot", 'system.preSwitchChecks.never = "test $2 = boot";'],
    ["that does not say what must not change live", "release", 'system.switch.inhibitors.dbus = "broker";'],
  ])("%s reboots once", async (_, name, check) => {
    const source = await lab.source();
    source.extra = `boot.kernelPackages.kernel.version = "6.12.1"; ${check}`;
    await source.commit();
    const vm = await lab.newVm(`older-${name}`, source, { contract: 2 });
    await vm.settle(limits);
    expect(await vm.is("test /run/current-system -ef /var/older-image")).toBe(name !== "live");
    const boot = await vm.sh("cat /proc/sys/kernel/random/boot_id");
    // A live switch starts the timer, whose run has nothing to do.
    const well = expect.stringMatching(/^(updated|unchanged)$/) as string;
    expect(vm.report()).toMatchObject({ outcome: well, rebootRequired: true, revision: await source.head() });

    await vm.until("it reboots by itself", `test "$(cat /proc/sys/kernel/random/boot_id)" != ${boot}`, 150);
    await vm.recovered();
    const is = await vm.facts();
    await expectRuns(is, source);
    expect(is.booted).toBe(is.current);
    expect(vm.report()).toMatchObject({ outcome: "unchanged", rebootRequired: false });

    // The next one waits for a person.
    source.extra = 'boot.kernelPackages.kernel.version = "6.12.2";';
    await source.commit();
    await vm.update();
    await expectRuns(await vm.facts(), source);
    expect(vm.report()).toMatchObject({ outcome: "updated", rebootRequired: true, waiting: { for: "reboot" } });
    expect(await vm.is("test -e /run/systemd/shutdown/scheduled")).toBe(false);
  });
});
