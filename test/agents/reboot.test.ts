/** Reboots of a real machine that an update needs: in their window, not while someone works on it, and back from a system that does badly. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectRuns } from "../faults/expect-generation";
import { Lab } from "../faults/lab";
import type { Flaw, Source } from "../faults/source";
import type { Vm } from "../faults/vm";

let lab: Lab;
let source: Source;
let vm: Vm;
let kernels = 0;

/** A window of an hour around now, or of one that is hours away, by the VM's clock. */
async function window(when: "now" | "later"): Promise<string> {
  const [hour = 0, minute = 0] = (await vm.sh("date +%H:%M")).split(":").map(Number);
  const minutes = hour * 60 + minute + (when === "now" ? -30 : 180);
  const at = (total: number) => {
    const [hours, rest] = [Math.floor(total / 60) % 24, total % 60];
    return `${String(hours).padStart(2, "0")}:${String(rest).padStart(2, "0")}`;
  };
  return `{ lower = "${at(minutes + 1440)}"; upper = "${at(minutes + 1500)}"; }`;
}

/** Pushes a revision with another kernel and updates to it; what the agent said. The window is for the update after. */
async function newKernel(reboots: "now" | "later", flaw: Flaw = "none", more = ""): Promise<string> {
  source.extra = `
    services.nixos-auto-update = { watch = false; allowReboot = true; rebootWindow = ${await window(reboots)}; ${more} };
    boot.kernelPackages.kernel.version = "6.12.${++kernels}";`;
  await source.commit(flaw);
  await vm.update();
  return vm.lastRun();
}

/** The new system runs, and needs a reboot for its kernel. */
async function expectWaits(): Promise<void> {
  const is = await vm.facts();
  await expectRuns(is, source);
  expect(is.booted).not.toBe(is.current);
  expect(vm.report()).toMatchObject({ outcome: "updated", rebootRequired: true, toplevel: is.current });
}

const scheduled = () => vm.is("test -e /run/systemd/shutdown/scheduled");

describe("a reboot", () => {
  beforeAll(async () => {
    lab = await Lab.open();
    source = await lab.source();
    source.keepsLock = true;
    vm = await lab.vm("reboots", source);
    // A machine is first compared with what it booted after its first boot of a system.
    await newKernel("later");
    await vm.powerOff();
    await vm.recovered();
  });
  afterAll(() => lab.close());

  it("waits for its window", async () => {
    expect(await newKernel("later")).toContain("a reboot is required; waiting for the window");
    await expectWaits();
    await vm.sh("systemctl start nixos-auto-update-reboot.service");
    expect(await scheduled()).toBe(false);
    // Someone else's reboot does as well.
    await vm.powerOff();
    await vm.recovered();
    await expectRuns(await vm.facts(), source);
    expect(vm.report()).toMatchObject({ rebootRequired: false });
  });

  it("waits for people, and comes when they have gone", async () => {
    await vm.sh(`useradd --create-home dev && install --directory --owner=dev --mode=700 /home/dev/.ssh &&
    ssh-keygen -q -t ed25519 -N '' -f /root/dev && install --owner=dev --mode=600 /root/dev.pub /home/dev/.ssh/authorized_keys`);
    await vm.sh(
      "systemd-run --quiet --unit=session ssh -tt -i /root/dev -o StrictHostKeyChecking=no dev@127.0.0.1 sleep infinity",
    );
    await vm.until("someone is logged in", "loginctl list-sessions --no-legend | grep -w dev", 60);
    expect(await newKernel("now")).toContain("a reboot is required; waiting until no one is logged in (now: dev)");
    await expectWaits();
    expect(await scheduled()).toBe(false);

    await vm.sh("systemctl stop session.service");
    await vm.until("no one is logged in", "! loginctl list-sessions --no-legend | grep -w dev", 60);
    // As tmux and screen have it: a terminal of its own, and no session.
    await vm.sh("systemd-run --quiet --unit=left --uid=dev script --quiet --command 'sleep infinity' /dev/null");
    await vm.until("a job runs on a terminal", "ps -u dev -o tty= | grep -q pts", 30);
    await vm.sh("systemctl start nixos-auto-update-reboot.service");
    expect(await scheduled()).toBe(false);
    await vm.sh("systemctl stop left.service");
    const boot = await vm.sh("cat /proc/sys/kernel/random/boot_id");
    await vm.sh("systemctl start nixos-auto-update-reboot.service");
    expect(await scheduled()).toBe(true);
    await vm.until("it rebooted by itself", `test "$(cat /proc/sys/kernel/random/boot_id)" != ${boot}`, 120);
    await vm.recovered();
    const is = await vm.facts();
    await expectRuns(is, source);
    expect(is.booted).toBe(is.current);
  });

  it("waits for no people after its deadline, tells them before, and is called off by a hold", async () => {
    // As an editor has it that works here by ssh: a terminal, and no session.
    const shown = "/home/dev/shown";
    await vm.sh(`systemd-run --quiet --unit=left --uid=dev script --quiet --flush --command 'sleep infinity' ${shown}`);
    await vm.sh(
      "systemd-run --quiet --unit=session ssh -tt -i /root/dev -o StrictHostKeyChecking=no dev@127.0.0.1 sleep infinity",
    );
    await vm.until("someone is logged in", "loginctl list-sessions --no-legend | grep -w dev", 60);
    await newKernel("now", "none", "rebootDeadline = 1;");
    const ask = "systemctl start nixos-auto-update-reboot.service; test -e /run/systemd/shutdown/scheduled";
    await vm.until("a reboot is scheduled", ask, 30);
    expect(await vm.sh("journalctl --boot --no-pager --output=cat")).toContain("rebooting in 15 minutes");
    await vm.until("the terminal says so", `grep 'This machine reboots in 15 minutes' ${shown}`, 30);
    await vm.sh("nixos-auto-update hold a demo");
    await vm.until("it is called off", "! test -e /run/systemd/shutdown/scheduled", 60);
    await vm.idle();
    expect(vm.report()).toMatchObject({ outcome: "held", rebootRequired: true });
    await vm.sh("systemctl start nixos-auto-update-reboot.service");
    expect(await scheduled()).toBe(false);
    await vm.until("the terminal says that too", `grep 'called off' ${shown}`, 30);
    await vm.sh("nixos-auto-update resume; shutdown -c; systemctl stop session.service left.service");
    await vm.powerOff();
    await vm.recovered();
  });
});
