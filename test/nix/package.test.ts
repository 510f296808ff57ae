/** The package of both agents: what Nix builds of agent/, and that its output works. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { evaluate, hasNix, image, inside, nixpkgsLib } from "../../nix/tests/image";
import { bundleAgent } from "../../tools/bundle-agent";

const cases = "nix/tests/package.nix";

describe.skipIf(!hasNix)("nix/package.nix", () => {
  it("needs esbuild to be built, and a Node of 20 or newer", async () => {
    expect(await evaluate(cases, { lib: "null" })).toMatchObject({
      name: expect.stringMatching(/^nixos-auto-update-\d/) as string,
      mainProgram: "nixos-auto-update",
      buildInputs: ["esbuild"],
      takes: ["20.0.0", "24.4.1"],
    });
  });

  it.skipIf(nixpkgsLib === undefined)("is the same with nixpkgs' own lib", async () => {
    const stub = (await evaluate(cases, { lib: "null" })) as object;
    expect(await evaluate(cases, { lib: `import ${nixpkgsLib}/lib` })).toEqual({ ...stub, with: "nixpkgs' lib" });
  });

  it("has each program that the agent starts", async () => {
    const { script } = (await evaluate(cases, { lib: "null" })) as { script: string };
    const [, path = ""] = /PATH="([^"$]+)/.exec(script) ?? [];
    const tools = path.split(":").map((folder) => folder.replace(/^.*0-(.*)\/bin$/, "$1"));
    const files = readdirSync("agent", { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
    const text = files.map((file) => readFileSync(join("agent", file), "utf8")).join("\n");
    const started = [...text.matchAll(/\b(?:run|spawn)\(\s*"([^"]+)"/g)].map(([, program = ""]) => program);
    expect(started.filter((program) => !(program in programs))).toEqual([]);
    expect(Object.values(programs).filter((tool) => !tools.includes(tool))).toEqual([]);
  });
});

/** What the agent and its watcher start, by the package of nixpkgs that has it. */
const programs: Record<string, string> = {
  bash: "bash",
  cmp: "diffutils",
  curl: "curl",
  date: "coreutils",
  flock: "util-linux",
  getent: "getent",
  git: "git",
  gpg: "gnupg",
  head: "coreutils",
  id: "coreutils",
  journalctl: "systemd",
  loginctl: "systemd",
  nix: "nix",
  "nix-env": "nix",
  "nix-store": "nix",
  setpriv: "util-linux",
  sh: "bash",
  shutdown: "systemd",
  "ssh-keygen": "openssh",
  systemctl: "systemd",
  "systemd-inhibit": "systemd",
  "systemd-run": "systemd",
  test: "coreutils",
  true: "coreutils",
  wall: "util-linux",
};

/**
 * npm's esbuild needs no library, so that it runs in a build; Node is the machine's. No build users: Nix kills what runs as one of them, and
 * they are the same for each root on this machine.
 */
const parts = {
  selfTest: `alone NODE_OPTIONS=--require=/nowhere NODE_PATH=/nowhere NODE_EXTRA_CA_CERTS=/nowhere GCE_METADATA_HOST=127.0.0.1:9 \\
    $out/bin/nixos-auto-update self-test`,
  help: "alone $out/bin/nixos-auto-update help; alone $out/bin/nixos-hm-auto-update help",
  watch: `env -i GCE_METADATA_HOST=127.0.0.1:9 $out/bin/nixos-auto-update watch >/dev/null 2>&1 &
    sleep 1
    cat /proc/$!/comm
    tr '\\0' ' ' </proc/$!/cmdline
    kill $!`,
  share: "cd $out/share && find . -type f | sort",
  bundle: "cat $out/libexec/agent.cjs",
};

describe.skipIf(image === undefined)("the package, built by Nix", () => {
  let said: Record<keyof typeof parts, string>;

  beforeAll(async () => {
    const inputs = "--argstr esbuild /project/node_modules/@esbuild/linux-x64 --argstr node /usr";
    const output = await inside(`
      out=$(nix-build --no-out-link --option build-users-group '' /project/${cases} ${inputs})
      alone() { env -i HOME=/root "$@"; }
      ${Object.values(parts).join("\nprintf '\\0'\n")}`);
    const texts = output.split("\0");
    said = Object.fromEntries(Object.keys(parts).map((name, index) => [name, texts[index] ?? ""])) as typeof said;
  });

  it("passes its self-test, whatever the environment says to Node", () => {
    expect(said.selfTest).toMatch(/^nixos-auto-update \S+ works, on Node \d+\./);
  });

  it("has both programs", () => {
    expect(said.help).toContain("usage: nixos-auto-update COMMAND");
    expect(said.help).toContain("usage: nixos-hm-auto-update COMMAND");
  });

  it("waits without Node", () => {
    expect(said.watch).toMatch(
      /^sh\n\/usr\/bin\/sh \/nix\/store\/\S+\/libexec\/watch\.sh \/nix\/store\/\S+\/bin\/nixos-auto-update/,
    );
  });

  it("has manual pages and completions where NixOS and Home Manager look for them", () => {
    expect(said.share.trim().split("\n")).toEqual([
      "./bash-completion/completions/nixos-auto-update",
      "./bash-completion/completions/nixos-hm-auto-update",
      "./fish/vendor_completions.d/nixos-auto-update.fish",
      "./fish/vendor_completions.d/nixos-hm-auto-update.fish",
      "./man/man1/nixos-hm-auto-update.1",
      "./man/man8/nixos-auto-update.8",
      "./zsh/site-functions/_nixos-auto-update",
      "./zsh/site-functions/_nixos-hm-auto-update",
    ]);
  });

  it("holds the very bundle that machines of the local cloud get", () => {
    const folder = mkdtempSync(join(tmpdir(), "bundle-"));
    bundleAgent(join(folder, "agent.cjs"));
    const ours = readFileSync(join(folder, "agent.cjs"), "utf8");
    rmSync(folder, { recursive: true });
    expect(said.bundle).toBe(ours.trimEnd());
  });
});
