/** `fleet diff` with the real git and the real nix: two systems of a small flake, built and compared. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { approvalKey } from "../../rules/contract";
import type { FleetDiff } from "../../cli/repository/diff";
import { namesOf } from "../../cli/repository/nix";
import { image } from "../../nix/tests/image";
import { FakeCompute } from "../unit/cli/google/fake-compute";
import { approval, report } from "../unit/cli/fleet-samples";
import { installNix } from "./real-nix";
import { identity, runFleet } from "../unit/cli/run-fleet";

/** A flake with two systems that use an editor of this version; `dev-bob` is there only where it is wanted. */
const flake = (version: string, bob: boolean) => `{
  outputs = _:
    let
      make = name: script: derivation {
        inherit name;
        system = "x86_64-linux";
        builder = "/bin/sh";
        args = [ "-c" script ];
      };
      editor = make "editor-${version}" "echo ${version} >$out";
      machine = host: { config.system.build.toplevel = make "nixos-system-\${host}" "echo \${editor} >$out"; };
    in
    {
      nixosConfigurations = { dev-alice = machine "dev-alice"; } // ${bob ? '{ dev-bob = machine "dev-bob"; }' : "{ }"};
    };
}
`;

describe.skipIf(image === undefined).each(["", "infra/nixos"])("fleet diff of a flake in the folder %j", (folder) => {
  // Where the image's nix sees it; what it builds is to be compared by its next run.
  const [directory, store] = [mkdtempSync("/tmp/fleet-diff-"), mkdtempSync("/dev/shm/fleet-diff-")];
  const [clone, path] = [join(directory, "clone"), `${join(directory, "bin")}:${process.env["PATH"] ?? ""}`];
  const git = async (...args: string[]) => (await execa("git", args, { cwd: clone, env: identity })).stdout;
  const fake = new FakeCompute();
  let endpoint: string;
  let before: string;
  let after: string;

  async function commit(version: string, bob: boolean): Promise<string> {
    mkdirSync(join(clone, folder), { recursive: true });
    writeFileSync(join(clone, folder, "flake.nix"), flake(version, bob));
    writeFileSync(join(clone, folder, "flake.lock"), '{ "nodes": { "root": {} }, "root": "root", "version": 7 }\n');
    await git("add", ".");
    await git("commit", "--quiet", "--message", version);
    return git("rev-parse", "HEAD");
  }

  async function diff(where: string, ...args: string[]) {
    return runFleet(["diff", "--clone", where, ...args], {
      NIXOS_FLEET_COMPUTE_ENDPOINT: endpoint,
      GOOGLE_OAUTH_ACCESS_TOKEN: "t",
      GOOGLE_CLOUD_PROJECT: "p",
      PATH: path,
      HOME: directory,
    });
  }

  beforeAll(async () => {
    mkdirSync(join(directory, "bin"));
    installNix(join(directory, "bin"), store);
    mkdirSync(clone);
    await git("init", "--quiet", "--initial-branch=main");
    [before, after] = [await commit("1.0", true), await commit("1.1", false)];
    endpoint = await fake.start();
    const said = JSON.stringify(report({ revision: before, approved: before, toplevel: "/nix/store/none" }));
    const instance = (host: string) => ({
      ...{ repository: clone, branch: "main", host },
      ...(folder === "" ? {} : { subdirectory: folder }),
    });
    fake.instances = ["dev-alice", "dev-bob"].map((name) => ({
      name,
      labels: { "nixos-fleet": "devs", "nixos-fleet-stack": "dev", "nixos-fleet-wave": "rest" },
      metadata: { "nixos-fleet": JSON.stringify(instance(name)) },
      guest: { "nixos-fleet/system": said },
    }));
    fake.metadata = { [approvalKey("devs", "dev", "rest")]: JSON.stringify(approval(after)) };
  });
  afterAll(async () => {
    await fake.stop();
    for (const one of [directory, store]) rmSync(one, { recursive: true, force: true });
  });

  it("knows the names of the flake's systems and homes, for the doctor", async () => {
    const run = { signal: new AbortController().signal, env: { ...process.env, PATH: path, HOME: directory } };
    const commit = { directory: clone, revision: before, ...(folder === "" ? {} : { subdirectory: folder }) };
    expect(await namesOf(commit, run)).toEqual({ hosts: ["dev-alice", "dev-bob"], homes: [] });
    const gone = { ...commit, revision: "d".repeat(40) };
    await expect(namesOf(gone, run)).rejects.toThrow(/d{40}/);
  });

  it("builds both systems and names the packages that differ, and the VM that has no system any more", async () => {
    const { code, out } = await diff(clone, "--json");
    expect(code).toBe(1);
    expect((JSON.parse(out.join("\n")) as FleetDiff).moves).toMatchObject([
      {
        vms: ["dev-alice", "dev-bob"],
        inputs: [],
        files: [join(folder, "flake.nix")],
        closures: [
          { vms: ["dev-alice"], packages: ["editor: 1.0 → 1.1"], problem: null },
          {
            vms: ["dev-bob"],
            packages: null,
            problem: `there is no nixosConfigurations.dev-bob at ${after.slice(0, 7)}`,
          },
        ],
      },
    ]);
  });

  it("does so from two commits that it fetched, without their history", async () => {
    await git("init", "--quiet", join(directory, "empty"));
    expect(await diff(join(directory, "empty"), "dev-alice")).toEqual({
      code: 0,
      err: [],
      out: [
        `dev-alice: ${before.slice(0, 7)} => ${after.slice(0, 7)}`,
        "  flake.lock changes no input",
        `  besides flake.lock: ${join(folder, "flake.nix")}`,
        "  the closure:",
        "    editor: 1.0 → 1.1",
        "",
      ],
    });
  });
});
