import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { evaluate, hasNix, image, inside } from "../../nix/tests/image";

describe.skipIf(!hasNix)("nix/lib", () => {
  it("makes exactly the units that are written out in nix/tests/units", async () => {
    expect(await evaluate("nix/tests/units.nix")).toEqual([]);
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

  it("are exposed no more than docs/modules.md says", async () => {
    const rows = readFileSync("docs/modules.md", "utf8").matchAll(/^\| `([a-z-]+\.service)` \| ([0-9.]+) \|/gm);
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
