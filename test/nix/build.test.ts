/** `fleet build` with the real git and the real nix: systems of a small flake, built, signed, copied, and named by a manifest. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { narinfoName } from "../../cli/cache";
import { image } from "../../nix/tests/image";
import { manifestPath } from "../../rules/contract";
import { identity, runFleet } from "../unit/cli/run-fleet";
import { installNix } from "./real-nix";

/** Three hosts, two of which have the same system. */
const flake = `{
  outputs = _:
    let
      make = name: script: derivation { inherit name; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" script ]; };
      editor = make "editor" "echo 1 >$out";
      machine = name: { config.system.build.toplevel = make "nixos-system-\${name}" "echo \${editor} >$out"; };
    in
    { nixosConfigurations = { dev-alice = machine "alice"; dev-bob = machine "shared"; dev-carol = machine "shared"; }; };
}
`;

describe.skipIf(image === undefined)("fleet build", () => {
  const [folder, store] = [mkdtempSync("/tmp/fleet-build-"), mkdtempSync("/dev/shm/fleet-build-")];
  const [clone, bin, key] = [join(folder, "clone"), join(folder, "bin"), join(folder, "cache.key")];
  let revision: string;

  beforeAll(async () => {
    for (const one of [clone, bin]) mkdirSync(one);
    installNix(bin, store);
    writeFileSync(join(clone, "flake.nix"), flake);
    writeFileSync(join(clone, "flake.lock"), '{ "nodes": { "root": {} }, "root": "root", "version": 7 }\n');
    const git = (...args: string[]) => execa("git", args, { cwd: clone, env: identity });
    await git("init", "--quiet");
    await git("add", ".");
    await git("commit", "--quiet", "--message", "x");
    revision = (await git("rev-parse", "HEAD")).stdout;
    const { stdout } = await execa(join(bin, "nix"), [
      ...["--extra-experimental-features", "nix-command", "key", "generate-secret", "--key-name", "test-1"],
    ]);
    writeFileSync(key, stdout);
  });
  afterAll(() => [folder, store].forEach((one) => rmSync(one, { recursive: true, force: true })));

  const build = (...args: string[]) =>
    runFleet(["build", "--flake", clone, ...args], { PATH: `${bin}:${process.env["PATH"] ?? ""}`, HOME: folder });
  const manifestIn = (directory: string) =>
    JSON.parse(readFileSync(join(directory, manifestPath(revision)), "utf8")) as Record<string, string>;
  /** The systems that a binary cache's directory has, signed. */
  const signed = (directory: string, paths: string[]) =>
    paths.map((path) => /^Sig: test-1:/m.test(readFileSync(join(directory, narinfoName(path)), "utf8")));

  it("builds each system once, and puts it into a directory with its manifest", async () => {
    const cache = join(folder, "cache");
    const { code, out, err } = await build("--directory", cache, "--key", key);
    expect([code, out]).toEqual([0, [`${revision.slice(0, 7)}: 2 systems for 3 hosts in ${cache}`]]);
    expect(err.join("\n")).toContain("building 2 systems of 3 hosts");
    const manifest = manifestIn(cache);
    expect(Object.keys(manifest)).toEqual(["dev-alice", "dev-bob", "dev-carol"]);
    expect(manifest["dev-bob"]).toBe(manifest["dev-carol"]);
    expect(signed(cache, Object.values(manifest))).toEqual([true, true, true]);
    // Two systems and the editor that both use.
    expect(readdirSync(cache).filter((name) => name.endsWith(".narinfo"))).toHaveLength(3);
  });

  it("signs and copies to any store that nix knows", async () => {
    const [other, manifests] = [join(folder, "other"), join(folder, "manifests")];
    const { code, out } = await build("--to", `file://${other}`, "--key", key, "--directory", manifests);
    expect([code, out[0]]).toEqual([0, expect.stringContaining(`in file://${other}, its manifest in ${manifests}`)]);
    expect(signed(other, Object.values(manifestIn(manifests)))).toEqual([true, true, true]);
  });

  it("hands the systems to a command that uploads them, and says that there is no manifest", async () => {
    writeFileSync(join(bin, "cachix"), `#!/bin/sh\nprintf '%s\\n' "$@" >${folder}/pushed\n`);
    chmodSync(join(bin, "cachix"), 0o755);
    const { code, err } = await build("--push", "cachix push acme");
    expect([code, err.at(-1)]).toEqual([0, expect.stringContaining("VMs evaluate for themselves")]);
    const [push, name, ...paths] = readFileSync(join(folder, "pushed"), "utf8").trim().split("\n");
    expect([push, name]).toEqual(["push", "acme"]);
    expect(new Set(paths).size).toBe(2);
    expect(paths.every((path) => /^\/nix\/store\/.*-nixos-system-(alice|shared)$/.test(path))).toBe(true);
  });

  it("has the machines build that --builders names", async () => {
    const log = join(folder, "log");
    mkdirSync(log);
    writeFileSync(join(log, "nix"), `#!/bin/sh\nprintf '%s\\n' "$*" >>${log}/calls\nexec ${bin}/nix "$@"\n`);
    chmodSync(join(log, "nix"), 0o755);
    const builders = "ssh://builder-1 x86_64-linux - 8";
    const args = [
      "build",
      "--flake",
      clone,
      "--directory",
      join(folder, "cache"),
      "--key",
      key,
      "--builders",
      builders,
    ];
    const { code } = await runFleet(args, { PATH: `${log}:${process.env["PATH"] ?? ""}`, HOME: folder });
    expect(code).toBe(0);
    const calls = readFileSync(join(log, "calls"), "utf8").split("\n");
    expect(calls.filter((call) => call.includes(`--builders ${builders} /nix/store/`))).toHaveLength(1);
  });

  describe("where nix-eval-jobs is on PATH", () => {
    // It prints a line a job, as the real one does; what it says is the real nix' evaluation of the expression that it was given.
    const jobs = (more = "") => `#!/bin/sh
[ "$1" != --help ] || exit 0
printf '%s\\n' "$@" >${folder}/jobs
for expression; do :; done
nix --extra-experimental-features 'nix-command flakes' eval --json --expr "$expression" --apply \
  'builtins.mapAttrs (_: one: { drv = one.drvPath; out = one.outPath; })' |
  jq --compact-output 'to_entries[] | { attr: .key, attrPath: [.key], drvPath: .value.drv, outputs: { out: .value.out } }'
${more}
`;
    const install = (more?: string) => {
      writeFileSync(join(bin, "nix-eval-jobs"), jobs(more));
      chmodSync(join(bin, "nix-eval-jobs"), 0o755);
    };
    beforeEach(() => rmSync(join(folder, "jobs"), { force: true }));
    afterAll(() => rmSync(join(bin, "nix-eval-jobs"), { force: true }));

    it("evaluates by that, with limits, to the same systems", async () => {
      install();
      const cache = join(folder, "by-jobs");
      const { code, err } = await build("--directory", cache, "--key", key);
      expect([code, err.at(-1)]).toEqual([0, "building 2 systems of 3 hosts"]);
      expect(readFileSync(join(folder, "jobs"), "utf8")).toMatch(/^--workers\n\d+\n--max-memory-size\n4096\n/);
      expect(manifestIn(cache)).toEqual(manifestIn(join(folder, "cache")));
    });

    it("names the hosts that cannot be evaluated, and builds nothing", async () => {
      install(
        `printf '%s\\n' '{"attr":"dev-eve","attrPath":["dev-eve"],"error":"error:\\n  at x\\n\\nerror: The option services.x does not exist"}'`,
      );
      const cache = join(folder, "none");
      const { code, err } = await build("--directory", cache, "--key", key);
      expect(code).toBe(1);
      expect(err.at(-1)).toMatch(
        /dev-eve cannot be evaluated: dev-eve: The option services\.x does not exist \[NF212\]/,
      );
      expect(existsSync(cache)).toBe(false);
    });
  });
});
