/** What a developer without root can make of the metadata server on her VM: nothing. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestCloud, until } from "./cloud";

const cloud = new TestCloud();
const server = "http://169.254.169.254/computeMetadata/v1";
// A machine here has no service account; whoever is let in reads its name as he would read a token.
const secret = `${server}/instance/name`;
const report = `${server}/instance/guest-attributes/nixos-fleet/system`;
const flavor = "Metadata-Flavor: Google";
afterAll(() => cloud.down());

/** A shell command as a user of a VM, with what it printed, and whether it ended well. */
async function as(user: string, command: string): Promise<{ ended: string; printed: string }> {
  const quoted = command.replaceAll("'", `'\\''`);
  const printed = await cloud.in("dev-alice", `su - ${user} -c '${quoted}' 2>&1; echo "ended $?"`);
  const [, text = "", ended = ""] = /^([^]*?)\n?ended (\d+)$/.exec(printed) ?? [];
  return { ended, printed: text };
}

beforeAll(async () => {
  expect((await cloud.local("up")).exitCode).toBe(0);
  await until(
    "alice's home",
    60,
    async () => (await cloud.status())["dev-alice"]?.homes["alice"]?.revision === (await cloud.head()),
  );
});

describe("a developer", () => {
  it.each([
    ["curl", `curl --silent --show-error --max-time 5 --header "${flavor}" ${secret}`],
    ["bash alone", `exec 3<>/dev/tcp/169.254.169.254/80 && echo open`],
    [
      "a unit of her own manager",
      `XDG_RUNTIME_DIR=/run/user/$(id -u) systemd-run --user --wait --pipe --quiet curl --silent --show-error --max-time 5 --header "${flavor}" ${secret}`,
    ],
    [
      "a build of her own",
      `nix build --impure --no-link --print-build-logs --expr 'derivation { name = "steal"; system = builtins.currentSystem; builder = "/bin/bash"; args = [ "-c" "exec 3<>/dev/tcp/169.254.169.254/80 && echo open && echo open >\$out" ]; PATH = "/usr/bin"; }'`,
    ],
    [
      "another user's id in a namespace of hers",
      `unshare --user --map-root-user curl --silent --show-error --max-time 5 --header "${flavor}" ${secret}`,
    ],
  ])("gets nothing by %s", async (_, command) => {
    const { ended, printed } = await as("alice", command);
    expect(ended, printed).not.toBe("0");
    expect(printed).not.toMatch(/dev-alice|\bopen$/m);
  });

  it("forges no report of the system", async () => {
    const before = await cloud.status();
    const { ended } = await as("alice", `curl --fail --max-time 5 -X PUT --data forged --header "${flavor}" ${report}`);
    expect(ended).not.toBe("0");
    expect(await cloud.status()).toMatchObject({ "dev-alice": { system: before["dev-alice"]?.system } });
  });

  it("has root publish nothing by a link in the place of her home's state", async () => {
    const state = "/home/alice/.local/state/nixos-hm-auto-update/state.json";
    const homes = (await cloud.status())["dev-alice"]?.homes;
    await cloud.in(
      "dev-alice",
      "chmod 600 /var/lib/nixos-auto-update/state.json; echo secret >/root/secret; chmod 600 /root/secret",
    );
    for (const target of ["/var/lib/nixos-auto-update/state.json", "/root/secret"]) {
      await as("alice", `ln -sfn ${target} ${state}`);
      await cloud.in("dev-alice", "nixos-auto-update publish alice || true");
      expect((await cloud.status())["dev-alice"]?.homes).toEqual(homes);
    }
    await as("alice", `rm ${state}`);
  });

  it("still has the name service of that address, and the machine its updates", async () => {
    const { printed } = await as("alice", "bash -c 'echo >/dev/udp/169.254.169.254/53 && echo sent'");
    expect(printed).toBe("sent");
    const revision = await cloud.bump();
    await cloud.up();
    await cloud.expectRuns("dev-alice", revision);
  });
});

it("lets root in", async () => {
  expect(await cloud.in("dev-alice", `curl --silent --fail --header "${flavor}" ${secret}`)).toContain("dev-alice");
});

it("opens the server again where the configuration says so", async () => {
  await cloud.change("modules/common.nix", (text) =>
    text.replace("services.nixos-auto-update.enable = true;", "$& services.nixos-auto-update.protectMetadata = false;"),
  );
  await cloud.up();
  expect(await as("alice", `curl --silent --fail --header "${flavor}" ${secret}`)).toMatchObject({
    ended: "0",
    printed: expect.stringContaining("dev-alice") as unknown,
  });
});
