/** The VM tests boot NixOS, which takes nixpkgs and a machine with KVM. Here their machines are evaluated, and their scripts compiled. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { evaluate, hasNix, nixpkgsLib } from "../../nix/tests/image";

const project = resolve(__dirname, "../..");
const cases = "nix/tests/vm-scripts.nix";
const compile = "import sys; compile(sys.stdin.read(), 'testScript', 'exec')";

describe.skipIf(!hasNix)("nix/tests/vm", () => {
  it("has scripts that are Python", async () => {
    const { scripts } = (await evaluate(cases, { lib: "null" })) as { scripts: Record<string, string> };
    expect(Object.keys(scripts)).toEqual(["vm-metadata", "vm-update"]);
    for (const script of Object.values(scripts)) await execa("python3", ["-c", compile], { input: script });
  });

  it.skipIf(nixpkgsLib === undefined)("has machines that come through nixpkgs' own module system", async () => {
    const stub = (await evaluate(cases, { lib: "null" })) as object;
    expect(await evaluate(cases, { lib: `import ${nixpkgsLib}/lib` })).toEqual({ ...stub, with: "nixpkgs' lib" });
  });
});

const answers = {
  project: { attributes: { a: "1" } },
  instance: { id: 1, name: "machine", attributes: { "nixos-fleet": "{}" } },
  oslogin: [{ name: "1", posixAccounts: [{ username: "alice_example_com" }] }],
};

/** Runs a script beside the VM test's metadata server, in a network of their own, with the agent's functions for it. */
async function beside(script: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "metadata-"));
  writeFileSync(join(folder, "answers"), JSON.stringify(answers));
  writeFileSync(join(folder, "startup"), "#!/bin/sh");
  const program = `
    ip link set lo up
    ip address add 169.254.169.254/32 dev lo
    python3 ${project}/nix/tests/vm/metadata.py answers startup 2>/dev/null &
    instance_key=nixos-fleet attribute_namespace=nixos-fleet
    . ${project}/nix/agent/metadata.bash
    until metadata_request instance/id >/dev/null 2>&1; do sleep 0.1; done
    ${script}`;
  const { stdout } = await execa("unshare", ["--net", "--pid", "--fork", "--kill-child", "bash", "-euc", program], {
    cwd: folder,
  });
  rmSync(folder, { recursive: true });
  return stdout;
}

describe.skipIf(process.getuid?.() !== 0)("the VM tests' metadata server", () => {
  it("answers what the agent asks, and takes its report", async () => {
    const said = await beside(`
      metadata_told 1
      echo report | metadata_publish system
      metadata_request instance/guest-attributes/nixos-fleet/system
      metadata_wait '' 5
      echo
      metadata_request instance/attributes/startup-script`);
    expect(said.split("\n")).toEqual(['{"a": "1"}', "200", "machine", "200", "{}", "200", "report", "1", "#!/bin/sh"]);
  });

  it("knows OS Login's people, and nobody else", async () => {
    const said = await beside(`
      metadata_request 'oslogin/users?username=alice_example_com' | jq --raw-output '.loginProfiles[].name'
      metadata_request 'oslogin/users?username=bob' 2>/dev/null || echo "bob: $?"
      curl --silent --output /dev/null --write-out '%{http_code}' "$metadata_server/instance/id"`);
    expect(said).toBe("1\nbob: 22\n403");
  });
});
