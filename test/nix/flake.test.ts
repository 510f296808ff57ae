import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { evaluate, hasNix, image, inside, nixpkgsLib } from "../../nix/tests/image";

/** A shell's start: a copy of this repository as a git repository, without what git does not keep. */
const clone = `
  mkdir /tmp/flake
  tar --create --directory /project --exclude ./node_modules --exclude ./.local --exclude ./.git . | tar --extract --directory /tmp/flake
  cd /tmp/flake
  git init --quiet
  git add --all
`;

/** Nix in that copy, with stand-ins for the inputs, which no machine without a network has. */
const standIns =
  "--offline --no-write-lock-file" +
  " --override-input nixpkgs path:/project/nix/tests/inputs/nixpkgs" +
  " --override-input home-manager path:/project/nix/tests/inputs/home-manager";
const withStandIns = `${standIns} git+file:///tmp/flake`;

describe.skipIf(image === undefined)("flake.lock", () => {
  const locked = (change: string) =>
    inside(`${clone}
      ${change}
      git add --all
      nix flake lock --offline --no-update-lock-file "git+file:///tmp/flake?dir=$dir" 2>&1 && echo consistent || true`);

  it.each([".", "local/config-repo"])("of %s is consistent with flake.nix, as Nix sees it", async (dir) => {
    expect(await locked(`dir=${dir}`)).toMatch(/consistent$/);
  });

  it("is not when an input is another", async () => {
    const said = await locked("dir=.; sed -i 's|nixpkgs/nixos-26.05|nixpkgs/nixos-25.11|' flake.nix");
    expect(said).not.toContain("consistent");
    expect(said).toContain("updating the flake input 'nixpkgs'");
  });

  it("is all that nix flake metadata needs", async () => {
    const said = await inside(`${clone} nix flake metadata --offline --json git+file:///tmp/flake`);
    const { locks, description } = JSON.parse(said) as { locks: unknown; description: string };
    expect(description).toContain("NixOS");
    expect(locks).toEqual(JSON.parse(readFileSync("flake.lock", "utf8")));
  });
});

describe.skipIf(image === undefined)("flake.nix", () => {
  it("has outputs of the shapes and names that nix flake check knows", async () => {
    const said = await inside(`${clone} nix flake check --no-build --all-systems ${withStandIns} 2>&1`);
    const warnings = said.split("\n").filter((line) => line.startsWith("warning:") && !/dirty|lock file/.test(line));
    // homeModules is the same under the name it knows.
    expect(warnings).toEqual(["warning: unknown flake output 'homeManagerModules'"]);
    for (const output of [
      "nixosModules.nixos-auto-update",
      "nixosModules.dev-vm",
      "nixosConfigurations.example",
      "packages.x86_64-linux.nixos-auto-update",
      "packages.x86_64-linux.docs",
      "packages.x86_64-linux.gce-image",
      "checks.x86_64-linux.modules",
      "checks.x86_64-linux.vm-metadata",
      "checks.x86_64-linux.vm-update",
      "devShells.x86_64-linux.default",
      "apps.x86_64-linux.fleet",
      "formatter.x86_64-linux",
      "templates.config-repo",
    ])
      expect(said).toContain(output);
  });

  it("starts a configuration repository that is a flake once it names this one", async () => {
    const said = await inside(`${clone}
      mkdir /tmp/started
      cd /tmp/started
      git init --quiet
      nix flake init --offline --template git+file:///tmp/flake#config-repo 2>/dev/null
      sed -i 's|github:example-org/nixos-fleet|git+file:///tmp/flake|' flake.nix
      git add .
      nix flake check --no-build ${standIns} git+file:///tmp/started 2>&1`);
    for (const output of ["nixosConfigurations.dev-alice", "checks.x86_64-linux.home-bob", "formatter.x86_64-linux"])
      expect(said).toContain(output);
  });

  it("gives the very files that one imports without it", async () => {
    const said = await inside(`${clone}
      nix eval --json ${withStandIns}#nixosModules.default
      nix eval --json ${withStandIns}#homeModules.default
      nix eval --json ${withStandIns}#homeManagerModules.default`);
    expect(said.match(/nix\/modules\/[a-z-]+\.nix/g)).toEqual([
      "nix/modules/nixos-auto-update.nix",
      "nix/modules/nixos-hm-auto-update.nix",
      "nix/modules/nixos-hm-auto-update.nix",
    ]);
  });
});

describe.skipIf(!hasNix)("lib.mkFleet", () => {
  it("makes machines and homes of one list", async () => {
    expect(await evaluate("nix/tests/fleet.nix")).toEqual([]);
  });
});

describe.skipIf(!hasNix)("docs/reference/modules.md", () => {
  const written = readFileSync("docs/reference/modules.md", "utf8");

  it("is what ./scripts/docs writes", async () => {
    expect(await evaluate("nix/docs/default.nix", { lib: "null" })).toBe(written);
  });

  it.skipIf(nixpkgsLib === undefined)("is the same with nixpkgs' own lib", async () => {
    expect(await evaluate("nix/docs/default.nix", { lib: `import ${nixpkgsLib}/lib` })).toBe(written);
  });

  it("has description, type, default and example of every option", () => {
    const entries = written.split(/^### (?=`)/m).slice(1);
    expect(entries.length).toBeGreaterThan(40);
    for (const entry of entries)
      expect(entry).toMatch(
        /^`(services|nixos-fleet)\.[^`]+`\n\n[^-\n].*[\s\S]*\n\n- Type: .+\n- Default: .+\n- Example: `.+`\n/,
      );
    const unset = entries.filter((entry) => entry.includes("must be set")).map((entry) => entry.split("`")[1] ?? "");
    expect(unset.every((name) => /\.(\*|<name>|rebootWindow)\./.test(name))).toBe(true);
  });
});
