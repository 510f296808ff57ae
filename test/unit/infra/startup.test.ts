/** The startup script, run by a real sh below a folder of the test's, with programs of the test's on PATH. What it does on machines: test/agents. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digest } from "../../../infra/config/digest";
import { startupLoader, startupScript } from "../../../infra/startup";
import { contract, fleetPrefix, startupKey } from "../../../rules/contract";

const script = startupScript();
const loader = (text = script) => startupLoader({ fleet: "devs", stack: "dev" }, text);

describe("the loader's text", () => {
  it("is small: each VM carries it, and Pulumi's state has it twice for each", () => {
    expect(Buffer.byteLength(loader())).toBeLessThan(900);
  });

  it("has the contract's names, and the script's digest", () => {
    expect(loader()).toContain(`${contract.paths.state}/bootstrapped `);
    expect(loader()).toContain(`item=${startupKey("devs", "dev")} `);
    expect(loader()).toContain(digest(script));
    expect(loader()).not.toContain("@");
  });

  it("names another item for each stack, and none that VMs take for an approval", () => {
    expect(startupKey("devs", "dev")).not.toBe(startupKey("devs", "prod"));
    expect(startupKey("devs", "dev").startsWith(fleetPrefix("devs", "dev"))).toBe(false);
    expect(startupKey("devs", "dev")).not.toMatch(/^nixos-fleet--/);
  });
});

describe("the startup script's text", () => {
  it("is small, whatever the agent grows to", () => {
    // Compute allows 256 KiB for one value and 512 KiB for all of a project's values together.
    expect(Buffer.byteLength(script)).toBeLessThan(16 * 1024);
  });

  it("is a program that sh can read", () => {
    const { status, stderr } = spawnSync("sh", ["-n"], { input: script, encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  it("has the contract's names", () => {
    expect(script).toContain(`unit=${contract.units.bootstrap}\n`);
    expect(script).toContain(`instance/attributes/${contract.instanceMetadata.key} `);
    expect(script).toContain(`  key=${fleetPrefix("$fleet", "$stack")}$wave\n`);
  });
});

describe("run", () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "startup-"));
    mkdirSync(join(root, "bin"));
    fake("systemctl", "exit 3");
    fake("systemd-run", `printf '%s\\n' "$@" >>${root}/started`);
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  /** Puts a program on PATH. */
  const fake = (name: string, text: string) => {
    writeFileSync(join(root, "bin", name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(root, "bin", name), 0o755);
  };

  /** Runs a text below `root` instead of /run and /var, as the runner of startup scripts does: from a file. */
  const runText = (text: string, ...args: string[]) => {
    const file = join(root, "script");
    writeFileSync(file, text.replaceAll(/(?<=[= ])\/(?=run\/|var\/)/g, `${root}/`));
    const env = { PATH: `${join(root, "bin")}:${process.env["PATH"] ?? ""}` };
    return spawnSync("sh", [file, ...args], { env, encoding: "utf8" });
  };
  const run = (...args: string[]) => runText(script, ...args);
  const started = () => (existsSync(join(root, "started")) ? readFileSync(join(root, "started"), "utf8") : "");

  it("hands over to a unit of its own, which is tried again for as long as it fails", () => {
    expect(run()).toMatchObject({ status: 0, stdout: "nixos-auto-update-bootstrap started\n", stderr: "" });
    expect(started()).toContain("--unit=nixos-auto-update-bootstrap\n");
    expect(started()).toContain("--property=Restart=on-failure\n");
    expect(started()).toContain(`sh\n${root}/script\nbootstrap\n`);
  });

  it("says so and starts nothing while the first update is under way", () => {
    fake("systemctl", "exit 0");
    expect(run()).toMatchObject({ status: 0, stdout: "nixos-auto-update-bootstrap runs already\n" });
    expect(started()).toBe("");
  });

  it("fails when the unit cannot be started, so that the log says it", () => {
    fake("systemd-run", "echo no >&2; exit 1");
    expect(run()).toMatchObject({ status: 1, stderr: "no\n" });
  });

  it("starts the agent that the image brings, and asks no one for anything", () => {
    const installed = join(root, "run/current-system/sw/bin");
    mkdirSync(installed, { recursive: true });
    writeFileSync(join(installed, "nixos-auto-update"), '#!/bin/sh\necho "agent $*"\n');
    chmodSync(join(installed, "nixos-auto-update"), 0o755);
    fake("curl", "exit 9");
    fake("nix", "exit 9");
    expect(run("bootstrap")).toMatchObject({ status: 0, stdout: "agent bootstrap\n" });
  });

  it.each([
    ["exit 127", /^nixos-fleet: this image has Nix ; 2\.18 or newer is needed$/m],
    ["echo 'nix (Nix) 2.11.0'", /^nixos-fleet: this image has Nix 2\.11\.0; 2\.18 or newer is needed$/m],
  ])("says in one line what the image lacks: nix is `%s`", (nix, line) => {
    fake("nix", nix);
    const { status, stderr } = run("bootstrap");
    expect(status).toBe(1);
    expect(stderr).toMatch(line);
  });

  describe("the loader", () => {
    /** What the project's metadata answers: a shell command with the file to write in $2. */
    const answers = (command: string) => {
      fake("curl", `printf '%s\\n' "$*" >>${root}/asked; ${command}`);
      // Two minutes in no time.
      fake("sleep", `echo "$1" >>${root}/slept`);
    };
    const into = `while [ "$1" != -o ]; do shift; done; cat >"$2"`;
    const asked = () => (existsSync(join(root, "asked")) ? readFileSync(join(root, "asked"), "utf8").split("\n") : []);
    const small = "#!/bin/sh\necho ran $0 $#\n";

    it("runs the item that it names, from a file of root's", () => {
      answers(`printf '#!/bin/sh\\necho ran $0 $#\\n' | { ${into}; }`);
      const file = join(root, "run/nixos-fleet/startup");
      expect(runText(loader(small))).toMatchObject({ status: 0, stdout: `ran ${file} 0\n`, stderr: "" });
      expect(asked()[0]).toMatch(/Metadata-Flavor: Google .*\/project\/attributes\/nixos-fleet-startup--devs--dev$/);
      expect(readFileSync(file, "utf8")).toBe(small);
    });

    it("waits for a metadata server that is away, and for an item that is not there yet", () => {
      answers(`[ -e ${root}/slept ] || exit 7; printf '#!/bin/sh\\necho ran $0 $#\\n' | { ${into}; }`);
      expect(runText(loader(small))).toMatchObject({ status: 0, stderr: "" });
      expect(readFileSync(join(root, "slept"), "utf8")).toBe("5\n");
    });

    it.each([
      ["no item", "exit 22"],
      ["an empty answer", `: | { ${into}; }`],
      ["part of it", `printf '#!/bin/sh' | { ${into}; }`],
      ["another script", `printf '#!/bin/sh\\ntouch $0.bad' | { ${into}; }`],
    ])("gives up on %s after ten minutes, in one line, and runs nothing", (_, command) => {
      answers(command);
      const { status, stdout, stderr } = runText(loader(small));
      expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
      expect(stderr).toBe(
        "nixos-fleet: project metadata item nixos-fleet-startup--devs--dev is missing or not the expected one; run pulumi up\n",
      );
      expect(asked()).toHaveLength(121);
      expect(existsSync(join(root, "run/nixos-fleet/startup"))).toBe(false);
    });

    it("ends at once and in silence where the first update is done", () => {
      answers("exit 22");
      mkdirSync(join(root, "var/lib/nixos-auto-update"), { recursive: true });
      writeFileSync(join(root, "var/lib/nixos-auto-update/bootstrapped"), "");
      expect(runText(loader())).toMatchObject({ status: 0, stdout: "", stderr: "" });
      expect(asked()).toEqual([]);
    });

    it("says that the image has no curl", () => {
      const bare = join(root, "bare");
      mkdirSync(bare);
      for (const name of ["sh", "mkdir"]) symlinkSync(`/bin/${name}`, join(bare, name));
      const file = join(root, "loader");
      writeFileSync(file, loader().replaceAll(/(?<= )\/(?=run\/|var\/)/g, `${root}/`));
      const { status, stderr } = spawnSync("/bin/sh", [file], { env: { PATH: bare }, encoding: "utf8" });
      expect(status).toBe(1);
      expect(stderr).toMatch(/^nixos-fleet: this image has no curl\n$/);
    });
  });
});
