import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { image, inside } from "../../nix/tests/image";
import { bundleAgent } from "../../tools/bundle-agent";

/** As the project's folder is seen inside. */
const bundle = "dist/agent/agent.cjs";

beforeAll(() => {
  const project = join(__dirname, "../..");
  mkdirSync(join(project, "dist/agent"), { recursive: true });
  bundleAgent(join(project, bundle));
});

/** Shell functions that work on a copy of the local configuration repository, seeded as the local cloud seeds it. */
const prelude = `
  export GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=user.name GIT_CONFIG_VALUE_0=test
  export GIT_CONFIG_KEY_1=user.email GIT_CONFIG_VALUE_1=test@example.org
  cp -r /project/local/config-repo /tmp/config
  cd /tmp/config
  mkdir -p nixos-fleet/agent
  cp /project/${bundle} /project/agent/watch.sh nixos-fleet/agent/
  cp -r /project/nix /project/contract.json nixos-fleet/
  commit() { git add --all && git commit --quiet --message "$1"; }
  build() {
    nix build --option build-users-group '' --no-link --print-out-paths --no-update-lock-file --no-write-lock-file \\
      "git+file:///tmp/config?rev=$(git rev-parse HEAD)#$1"
  }
  machine() { build "nixosConfigurations.$1.config.system.build.toplevel"; }
  home() { build "homeConfigurations.$1.activationPackage"; }
  bump() {
    jq '.nodes.nixpkgs.locked.rev = "0123456789012345678901234567890123456789" | .nodes.nixpkgs.locked.lastModified += 60' \\
      flake.lock > /tmp/lock
    cp /tmp/lock flake.lock
    commit bump
  }
  git init --quiet --initial-branch main
  commit seed
`;

/** Runs a script after the prelude; the lines that it prints. */
async function lines(script: string): Promise<string[]> {
  return (await inside(`{ ${prelude}\n} >&2\n${script}`)).split("\n");
}

describe.skipIf(image === undefined)("local/config-repo", () => {
  it("builds every machine and home offline, under the lock as it is", async () => {
    const paths = await lines(`
      for name in dev-canary dev-alice dev-bob; do machine $name; done
      for name in alice bob; do home $name; done
      git status --short
    `);
    expect(paths).toEqual([
      expect.stringMatching(/-nixos-system-dev-canary-26\.05\.1784011430\.8eeec93$/),
      expect.stringMatching(/-nixos-system-dev-alice-26\.05\.1784011430\.8eeec93$/),
      expect.stringMatching(/-nixos-system-dev-bob-26\.05\.1784011430\.8eeec93$/),
      expect.stringMatching(/-home-manager-generation$/),
      expect.stringMatching(/-home-manager-generation$/),
    ]);
  });

  it("changes the visible service and the visible file with the lock, the agent not", async () => {
    const script = `
      show() {
        system=$(machine dev-alice)
        user=$(home alice)
        grep -ho '26.05[^ ]*' "$(sed -n 's/^ExecStart=//p' "$system/etc/systemd/system/fleet-demo.service")"
        cat "$user/home-files/.config/fleet-demo/version"
        sed -n 's/^ExecStart=//p' "$system/etc/systemd/system/nixos-auto-update.service"
      }
      show
      bump
      show
    `;
    const [before, home, agent, after, homeAfter, agentAfter] = await lines(script);
    expect([before, home]).toEqual(["26.05.1784011430.8eeec93", "26.05.1784011430.8eeec93"]);
    expect([after, homeAfter]).toEqual(["26.05.1784011490.0123456", "26.05.1784011490.0123456"]);
    expect(agentAfter).toBe(agent);
  });

  it("keeps a machine's system when a commit changes nothing of it", async () => {
    const [before, after] = await lines(`
      machine dev-alice
      echo "# more" >> hosts/dev-bob.nix
      commit other
      machine dev-alice
    `);
    expect(after).toBe(before);
  });

  it("arms both agents, and trusts the trigger account's keys with one command", async () => {
    const shown = await lines(`
      sed -i 's/triggerKeys = \\[ \\]/triggerKeys = [ "ssh-ed25519 AAAA operator" ]/' modules/common.nix
      commit key
      system=$(machine dev-alice)
      (cd "$system/etc/systemd/system" && ls */)
      sed 's|/nix/store/[^-]*|STORE|' "$system/authorized_keys/fleet-trigger"
      cat "$system/etc/sudoers.d/nixos"
      (cd "$(home alice)/home-files/.config/systemd/user" && ls */)
    `);
    expect(shown).toEqual([
      ...[
        "multi-user.target.wants/:",
        "fleet-demo.service",
        "metadata-firewall.service",
        "nixos-auto-update-watch.service",
        "",
      ],
      ...["timers.target.wants/:", "nixos-auto-update-reboot.timer", "nixos-auto-update.timer"],
      'restrict,command="STORE-fleet-trigger/run" ssh-ed25519 AAAA operator',
      "fleet-trigger ALL=(root) NOPASSWD: /run/current-system/sw/bin/nixos-auto-update trigger --by *",
      ...["paths.target.wants/:", "nixos-hm-auto-update.path", ""],
      ...["timers.target.wants/:", "nixos-hm-auto-update.timer"],
    ]);
  });

  it.each([
    [
      "an unknown option",
      "{ services.nixos-auto-update.onBot = '5min'; }",
      "no option services.nixos-auto-update.onBot",
    ],
    ["two values for one option", "{ networking.hostName = 'other'; }", "networking.hostName is set twice"],
    ["a build that fails", "{ system.systemBuilderCommands = 'echo it broke; exit 1'; }", "it broke"],
  ])("refuses %s", async (_, module, message) => {
    const said = await lines(`
      sed -i '$ d' hosts/dev-bob.nix
      echo "imports = [ ${module.replaceAll("'", '\\"')} ]; }" >> hosts/dev-bob.nix
      commit wrong
      machine dev-bob 2>&1 || echo refused
    `);
    expect(said.join("\n")).toContain(message);
    expect(said.at(-1)).toBe("refused");
  });
});
