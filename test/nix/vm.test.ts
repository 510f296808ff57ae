/** The VM tests boot NixOS, which takes nixpkgs and a machine with KVM. Here their machines are evaluated, and their scripts compiled. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import type { Answers } from "../../rules/metadata";
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
  oslogin: [{ name: "1", posixAccounts: [{ username: "alice_example_com" }], granted: ["login"] }],
};

/** Runs a script of JavaScript beside the VM test's metadata server, in a network of their own, with the agent's client as `server`. */
async function beside(script: string): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), "metadata-"));
  writeFileSync(join(folder, "answers"), JSON.stringify(answers));
  writeFileSync(join(folder, "startup"), "#!/bin/sh");
  writeFileSync(
    join(folder, "ask.js"),
    `const { MetadataServer } = require("${project}/agent/metadata-server");
     const server = new MetadataServer();
     const ask = async () => ${script};
     ask().then((said) => console.log(JSON.stringify(said)) || process.exit(0));`,
  );
  const program = `
    ip link set lo up
    ip address add 169.254.169.254/32 dev lo
    python3 ${project}/nix/tests/vm/metadata.py answers startup 2>/dev/null &
    until curl --silent --output /dev/null 169.254.169.254; do sleep 0.1; done
    node --require ${project}/node_modules/tsx/dist/cjs/index.cjs ask.js`;
  const { stdout } = await execa("unshare", ["--net", "--pid", "--fork", "--kill-child", "bash", "-euc", program], {
    cwd: folder,
  });
  rmSync(folder, { recursive: true });
  return JSON.parse(stdout);
}

describe.skipIf(process.getuid?.() !== 0)("the VM tests' metadata server", () => {
  it("answers what the agent asks, and takes its report", async () => {
    const [instance, report, etag, startup] = (await beside(`[
      await server.answers(),
      await server.publish("system", "report").then(() => server.get("instance/guest-attributes/nixos-fleet/system")),
      await server.waitForChange(undefined, 5),
      await server.get("instance/attributes/startup-script"),
    ]`)) as [Answers, string, string, string];
    expect(instance).toMatchObject({
      attributes: { status: 200, body: '{"a": "1"}' },
      name: { status: 200, body: "machine" },
      instance: { status: 200, body: "{}" },
    });
    expect([report, etag, startup]).toEqual(["report", "1", "#!/bin/sh"]);
  });

  it("knows OS Login's people, and no one else", async () => {
    const said = await beside(`[
      JSON.parse(await server.get("oslogin/users?username=alice_example_com")).loginProfiles[0].name,
      (await server.request("oslogin/users?username=bob")).status,
      await server.get("oslogin/authorize?email=1&policy=login"),
      await server.get("oslogin/authorize?email=1&policy=adminLogin"),
      (await fetch("http://169.254.169.254/computeMetadata/v1/instance/id")).status,
    ]`);
    expect(said).toEqual(["1", 404, '{"success": true}', '{"success": false}', 403]);
  });
});
