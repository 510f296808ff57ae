import { describe, expect, it } from "vitest";
import { evaluate, hasNix, image, inside } from "../../nix/tests/image";

describe.skipIf(!hasNix)("nix/lib", () => {
  it("makes exactly the units that are written out in nix/tests/units", async () => {
    expect(await evaluate("nix/tests/units.nix")).toEqual([]);
  });
});

describe.skipIf(image === undefined)("the units written out in nix/tests/units", () => {
  it("are such that systemd-analyze verify has nothing to say", async () => {
    const said = await inside(`
      printf '#!/bin/sh\\n' > /bin/nixos-auto-update
      chmod +x /bin/nixos-auto-update
      ln -s nixos-auto-update /bin/nixos-hm-auto-update
      export XDG_RUNTIME_DIR=/tmp
      systemd-analyze verify --man=no /project/nix/tests/units/system-*/* 2>&1
      systemd-analyze verify --man=no --user /project/nix/tests/units/home-*/* 2>&1
    `);
    expect(said).toBe("");
  });

  it("are ones that systemd-analyze verify would find fault with if there were any", async () => {
    const said = await inside(`
      sed 's/OnActiveSec=.*/OnActiveSec=soon/' /project/nix/tests/units/home-defaults/nixos-hm-auto-update.timer > /tmp/wrong.timer
      export XDG_RUNTIME_DIR=/tmp
      systemd-analyze verify --man=no --user /tmp/wrong.timer 2>&1 || true
    `);
    expect(said).toContain("soon");
  });
});
