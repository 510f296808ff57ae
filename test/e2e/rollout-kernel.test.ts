/** Rollouts to another kernel: what a canary that reboots proves, windows, activation by the next boot, and an urgent approval. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findFleet, readDecisions } from "../../cli/fleet";
import { short } from "../../rules/contract";
import { until } from "./cloud";
import { RolloutFleet, type Change } from "./rollout-fleet";

const fleet = new RolloutFleet("approved", 3);
const { canary, middle, rest } = fleet.waves;
const [first = "", second = "", last = ""] = [canary[0], middle[0], rest[0]];
const later = [...middle, ...rest];
const required = { reboot: "required" };
let kernels = 0;

/** Nix for the next kernel. */
const kernel = () => `boot.kernelPackages.kernel.version = "6.12.${++kernels}";`;
const only = (vm: string, value: string, other: string) => `if name == "${vm}" then ${value} else ${other}`;

/** The next kernel, with which a VM does badly once it has booted it. */
function badKernel(vm: string): string {
  const next = kernel();
  const command = `test \\"$(cat /run/booted-system/kernel)\\" != 6.12.${kernels} || { echo kernel 6.12.${kernels} is unhealthy; exit 1; }`;
  return `${next} services.nixos-auto-update.healthChecks.kernel.command = ${only(vm, `"${command}"`, '"true"')};`;
}

/** The same kernel as before. */
const sameKernel = () => `boot.kernelPackages.kernel.version = "6.12.${kernels}";`;

/** An hour that begins in three hours, for the canary alone. */
function closedWindow(): string {
  const hour = String((new Date().getUTCHours() + 3) % 24).padStart(2, "0");
  return `services.nixos-auto-update.window = ${only(first, `[ "${hour}:00-${hour}:59 UTC" ]`, "[ ]")};`;
}

const reported = async (vm: string) => (await fleet.status())[vm]?.system;
const bootedIsCurrent = (vm: string) =>
  fleet.in(vm, 'test "$(readlink -f /run/booted-system)" = "$(readlink -f /run/current-system)"');

/** Boots a VM, and waits until it has reported since. */
async function boot(vm: string): Promise<void> {
  const before = await reported(vm);
  await fleet.act(vm, "reset");
  await until(`${vm} reports from its new boot`, 180, async () => {
    const now = await reported(vm);
    return ![undefined, before?.bootedAt].includes(now?.bootedAt);
  });
}

/** No hold and no undo in the control item names the revision. */
async function expectNotHeld({ revision }: Change): Promise<void> {
  const compute = fleet.compute();
  const { control } = readDecisions(await compute.projectMetadata(), await findFleet(compute, {}));
  expect(JSON.stringify(control)).not.toContain(revision);
}

// The agent in bash activates another kernel by the next boot only, and knows no windows.
describe("a rollout to another kernel", () => {
  beforeAll(async () => {
    await fleet.expectAll(await fleet.startChanging(kernel()));
    fleet.set({}, {}, { canary: required });
    // A machine is first compared with what it booted after its first boot of a system.
    await fleet.boot(fleet.all);
  });
  afterAll(() => fleet.down());

  it("stops at the canary where a service fails", async () => {
    const broken = `systemd.services.broken = { wantedBy = [ "multi-user.target" ]; serviceConfig.Type = "oneshot"; script = "exit 1"; };`;
    const bad = await fleet.commit([], `${kernel()} ${broken}`);
    const up = await fleet.up("badly");
    expect(up).toMatch(new RegExp(`${first} +failed +after .*health failed, rolled back`));
    expect(up).toContain("broken.service");
    expect(await reported(first)).toMatchObject({ outcome: "failed", stage: "health", rolledBack: true });
    await fleet.expectUntouched(bad, later);
  });

  it("stops at a canary that reboots, where it fails only after the reboot", async () => {
    const bad = await fleet.commit([], badKernel(first));
    const before = (await fleet.sees(first)).runs;
    const up = await fleet.up("badly");
    expect(up).toMatch(new RegExp(`waiting for ${first} \\(reboots\\)`));
    expect(up).toMatch(new RegExp(`${first} +failed +after .*health failed, rolled back`));
    expect(up).toContain(`kernel 6.12.${kernels} is unhealthy`);
    expect(await fleet.sees(first)).toMatchObject({ runs: before, boots: before });
    await fleet.expectUntouched(bad, later);
    await boot(first);
    expect(await reported(first)).toMatchObject({ rebootRequired: false });
  });

  it("goes on when the canary has rebooted, and a VM of a later wave goes back by itself when it fails after its reboot", async () => {
    const before = (await fleet.sees(second)).runs;
    const next = await fleet.commit([], badKernel(second));
    const up = await fleet.up();
    await bootedIsCurrent(first);
    expect(up).toMatch(new RegExp(`${second} +updated .*needs a reboot`));
    await fleet.expectAll(next);
    await boot(second);
    expect(await reported(second)).toMatchObject({
      outcome: "failed",
      stage: "health",
      rolledBack: true,
      approved: next.revision,
    });
    expect(await fleet.sees(second)).toMatchObject({ runs: before, boots: before });
    await fleet.expectAll(next, [first, last]);
  });

  it("stops without a hold at a canary that has the revision for its next boot", async () => {
    fleet.set();
    // The canary's metadata asks for no reboot any more before the next approval comes.
    await fleet.up();
    const mode = `services.nixos-auto-update.activation = ${only(first, '"boot"', '"live"')};`;
    const next = await fleet.commit([], `${sameKernel()} ${mode}`);
    const up = await fleet.up("badly");
    expect(up).toContain(`wave canary: nothing proved ${short(next.revision)}: 1 waits for a reboot; later waves are`);
    expect(await fleet.sees(first)).toMatchObject({ boots: next.number });
    await fleet.expectUntouched(next, later);
    await expectNotHeld(next);
  });

  it("stops without a hold at a canary outside of its window", async () => {
    fleet.set({}, {}, { canary: required });
    const closed = await fleet.commit([], `${sameKernel()} ${closedWindow()}`);
    await fleet.up();
    await fleet.expectAll(closed);

    const next = await fleet.commit([], `${kernel()} ${closedWindow()}`);
    const up = await fleet.up("badly");
    expect(up).toContain(
      `wave canary: nothing proved ${short(next.revision)}: 1 waits for its window; later waves are`,
    );
    expect(await fleet.sees(first)).toMatchObject({ runs: closed.number, boots: closed.number });
    await fleet.expectUntouched(next, later);
    await expectNotHeld(next);

    // The same revision as an urgent one passes the window, its reboot included, and a pause that no test could wait for.
    fleet.set({}, {}, { canary: { ...required, pause: "2h" } });
    const urgent = `rollout ${short(next.revision)} --urgent --why 'CVE-2026-1' --yes`;
    const { exitCode, text } = await fleet.shell(`./scripts/fleet ${urgent}`);
    expect(exitCode, text).toBe(0);
    expect(text).toMatch(new RegExp(`windows: none counts; waiting for theirs: ${first} \\(else at `));
    expect(text).toContain("pauses: left out after canary (2 h)");
    expect(text).toContain("(CVE-2026-1) waits for no window of canary (1 VM)");
    await bootedIsCurrent(first);
    await fleet.expectAll(next);
    const status = await fleet.shell("./scripts/fleet status");
    expect(status.text).toContain(
      `urgent, past windows and pauses: waves canary, middle, rest ${short(next.revision)}: CVE`,
    );
  });

  it("stops at a canary that fails, however urgent it is", async () => {
    const bad = await fleet.commit([first], `${kernel()} ${closedWindow()}`);
    fleet.set({}, {}, { canary: { ...required, pause: "2h" }, urgent: bad.revision });
    expect(await fleet.up("badly")).toMatch(new RegExp(`${first} +failed +after .*health failed, rolled back`));
    await fleet.expectUntouched(bad, later);
  });
});
