import { readFileSync } from "node:fs";
import { BlockList, isIPv6 } from "node:net";
import { describe, expect, it } from "vitest";
import { evaluate, hasNix, image, inside } from "../../nix/tests/image";
import { sandboxOf, selfTestUnit } from "../../rules/self-test";

describe.skipIf(!hasNix)("nix/lib", () => {
  it("makes exactly the units that are written out in nix/tests/units", async () => {
    expect(await evaluate("nix/tests/units.nix")).toEqual([]);
  });
});

/** Settings of nix/lib/hardening.nix under which a new agent need not show that it works, each with the reason. */
const untested: Record<string, string> = {};

describe.skipIf(!hasNix)("nix/lib/hardening.nix", () => {
  it("has no setting that a new agent is not tested under", async () => {
    const kinds = (await evaluate("nix/tests/hardening.nix")) as Record<string, Record<string, unknown>>;
    const settings = Object.values(kinds).flatMap((kind) => Object.entries(kind));
    expect(settings.length).toBeGreaterThan(40);
    const lines = settings.flatMap(([key, value]) => [value].flat().map((one) => `${key}=${String(one)}`));
    const unit = `[Service]\nExecStart=/bin/nixos-auto-update run\n${lines.join("\n")}\n`;
    const sandbox = sandboxOf(unit) ?? { program: "", settings: [] };
    const tested = selfTestUnit(sandbox, "/system", "/output").split("\n");
    const missing = lines.filter((line) => !tested.includes(line)).map((line) => line.replace(/=.*/, ""));
    expect(new Set(missing)).toEqual(new Set(Object.keys(untested)));
  });
});

/** A shell's start: the programs that the units start are there, and so is what systemd's tools for users want. */
const prelude = `
  printf '#!/bin/sh\\n' > /bin/nixos-auto-update
  chmod +x /bin/nixos-auto-update
  ln -s nixos-auto-update /bin/nixos-hm-auto-update
  ln -s nixos-auto-update /bin/nft
  export XDG_RUNTIME_DIR=/tmp
  cd /project/nix/tests/units
`;

describe.skipIf(image === undefined)("the units written out in nix/tests/units", () => {
  it("are such that systemd-analyze verify has nothing to say", async () => {
    const said = await inside(`${prelude}
      systemd-analyze verify --man=no $PWD/system-*/* 2>&1
      systemd-analyze verify --man=no --user $PWD/home-*/* 2>&1
    `);
    expect(said).toBe("");
  });

  it("are ones that systemd-analyze verify would find fault with if there were any", async () => {
    const said = await inside(`${prelude}
      sed 's/OnActiveSec=.*/OnActiveSec=soon/' /project/nix/tests/units/home-defaults/nixos-hm-auto-update.timer > /tmp/wrong.timer
      systemd-analyze verify --man=no --user /tmp/wrong.timer 2>&1 || true
    `);
    expect(said).toContain("soon");
  });

  it("are exposed no more than docs/reference/modules.md says", async () => {
    const rows = readFileSync("docs/reference/modules.md", "utf8").matchAll(
      /^\| `([a-z-]+\.service)` \| ([0-9.]+) \|/gm,
    );
    const documented = Object.fromEntries([...rows].map(([, unit = "", exposure]) => [unit, Number(exposure)]));
    const said = await inside(`${prelude}
      for unit in $PWD/system-*/*.service; do systemd-analyze security --offline=true $unit | tail -n 1; done
      for unit in $PWD/home-*/*.service; do systemd-analyze security --user --offline=true $unit | tail -n 1; done
    `);
    const measured = [...said.matchAll(/for (\S+\.service): ([0-9.]+) /g)];
    expect(new Set(measured.map(([, unit]) => unit))).toEqual(new Set(Object.keys(documented)));
    for (const [, unit = "", exposure] of measured)
      expect(Number(exposure), unit).toBeLessThanOrEqual(documented[unit] ?? 0);
  });
});

const units = "nix/tests/units";

/** What each unit that filters by address or may come to has to reach; an update reaches whatever builds and activations do. */
const reaches: Record<string, string[]> = {
  // The metadata server, and Cloud Logging at one of Google's addresses (the heartbeats).
  "system-defaults/nixos-auto-update-watch.service": [
    "169.254.169.254",
    "fd20:ce::254",
    "142.250.185.106",
    "127.0.0.53",
  ],
  "system-everything/nixos-auto-update-reboot.service": ["169.254.169.254", "fd20:ce::254"],
  "system-defaults/nixos-auto-update.service": ["169.254.169.254", "fd20:ce::254", "142.250.185.106", "192.0.2.1"],
  "home-defaults/nixos-hm-auto-update.service": ["142.250.185.106", "192.0.2.1"],
};

/** The networks that systemd.resource-control(5) has names for. */
const named: Record<string, [network: string, bits: number][]> = {
  any: [
    ["0.0.0.0", 0],
    ["::", 0],
  ],
  localhost: [
    ["127.0.0.0", 8],
    ["::1", 128],
  ],
  "link-local": [
    ["169.254.0.0", 16],
    ["fe80::", 64],
  ],
};

/** Whether a unit's IPAddressAllow= and IPAddressDeny= let it reach an address, as systemd.resource-control(5) decides it. */
function mayReach(unit: string, address: string): boolean {
  const family = (text: string) => (isIPv6(text) ? "ipv6" : "ipv4");
  const lists = (key: string) => {
    const list = new BlockList();
    for (const [, value = ""] of unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm")))
      for (const word of value.split(" "))
        for (const [network, bits] of named[word] ?? [[word.replace(/\/.*/, ""), Number(word.split("/")[1] ?? 32)]])
          list.addSubnet(network, bits, family(network));
    return list.check(address, family(address));
  };
  return lists("IPAddressAllow") || !lists("IPAddressDeny");
}

describe("the sandbox of each unit", () => {
  it.each(Object.entries(reaches))("lets %s reach what it needs", (file, addresses) => {
    const unit = readFileSync(`${units}/${file}`, "utf8");
    expect(addresses.filter((address) => !mayReach(unit, address))).toEqual([]);
  });

  it("would be found out by this if it did not", () => {
    const filtered = "IPAddressAllow=localhost\nIPAddressAllow=link-local\nIPAddressDeny=any\n";
    expect(["169.254.169.254", "fd20:ce::254", "142.250.185.106"].map((each) => mayReach(filtered, each))).toEqual([
      true,
      false,
      false,
    ]);
  });
});

/** Settings that systemd.exec(5) implements by filters of system calls. */
const filters =
  /^(SystemCall|Restrict(AddressFamilies|Namespaces|Realtime|SUIDSGID)|LockPersonality|MemoryDenyWriteExecute|PrivateDevices|Protect(Clock|Hostname|Kernel))/m;

it.each([
  "system-defaults/nixos-auto-update",
  "system-everything/nixos-auto-update",
  "home-everything/nixos-hm-auto-update",
])("%s.service has no filter of system calls, which builds would inherit", (unit) => {
  expect(readFileSync(`${units}/${unit}.service`, "utf8")).not.toMatch(filters);
});

it("the units that do not build have such filters", () => {
  expect(readFileSync(`${units}/system-defaults/nixos-auto-update-reboot.service`, "utf8")).toMatch(filters);
});

describe.skipIf(image === undefined)("the rules for the metadata server", () => {
  /** What nft says of a ruleset in a place that lacks the user `nscd`, as the build sandbox of NixOS lacks it. */
  const check = async (edit: string) => {
    const rules = "(import /project/nix/lib).metadataRules";
    const users = '[ "root" "nscd" "nobody" ]';
    const text = (of: string) => `nix-instantiate --eval --json --expr '${rules}.${of} ${users}' | jq --raw-output .`;
    return inside(`cd /tmp; ! getent passwd nscd || exit 9
      ${text("ruleset")} >ruleset.conf
      ${edit === "" ? "" : `${text(edit)} >check; sh -e check`}
      nft --check --file ruleset.conf 2>&1 || true`);
  };

  it("pass NixOS' check in the build sandbox, which has none of their users", async () => {
    expect(await check("")).toContain("User does not exist");
    expect(await check("preCheck")).toBe("");
  });
});
