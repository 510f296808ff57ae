/** The startup script on an image without the agent: a real sh, git and ssh-keygen, with stand-ins for curl, Nix and the network. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SITE_KEYS } from "../../../agent/git/git";
import { digest as sha256 } from "../../../infra/config/digest";
import { startupScript } from "../../../infra/startup";
import { type Repository, x509 } from "../agent/scratch";
import { patience } from "../../setup/pace";
import { FirstBootImage, manifestUrl, systemPath } from "./first-boot-image";

let image: FirstBootImage;
let source: Repository;
let head: string;
let instance: Record<string, unknown>;
let approval: Record<string, unknown>;

beforeEach(() => {
  image = new FirstBootImage();
  ({ source, head, instance, approval } = image);
});
afterEach(() => image.remove());

const inRoot = (...names: string[]) => image.in(...names);
const read = (name: string) => image.read(name);
const fake = (name: string, text: string) => image.fake(name, text);
const boot = (env?: Record<string, string>) => image.boot(env);

/** Names the manifest in the approval. */
function approveManifest(sha256OfIt = sha256(image.manifest)): void {
  approval["manifest"] = { url: manifestUrl, sha256: sha256OfIt };
}

/** The script stops with this line, and no agent ran. */
function expectRefused(line: string): void {
  const { status, stdout, stderr } = boot();
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toContain(`nixos-fleet: ${line}`);
  expect(existsSync(inRoot("run/nixos-fleet/agent"))).toBe(false);
}

describe("without a manifest", () => {
  it("builds the agent of the approved revision", () => {
    expect(boot()).toMatchObject({ status: 0, stdout: "agent: nix\n" });
    expect(read("nix-calls")).toContain(`rev=${head}`);
  });

  it("builds it where its branch went on", () => {
    for (const text of ["1", "2"]) source.commit(text, "more");
    expect(boot()).toMatchObject({ status: 0, stdout: "agent: nix\n" });
    expect(read("nix-calls")).toContain(`rev=${head}`);
  });

  it("builds it where another branch contains it, by a server that gives only the heads of branches", () => {
    source.git("config", "uploadpack.allowAnySHA1InWant", "false");
    source.git("checkout", "--quiet", "-b", "release/26.05");
    approval["revision"] = source.commit("1", "more");
    source.commit("2", "more");
    source.git("checkout", "--quiet", "main");
    expect(boot()).toMatchObject({ status: 0, stdout: "agent: nix\n" });
    expect(read("nix-calls")).toContain(`rev=${String(approval["revision"])}`);
  });

  it("builds its branch's head where it has no wave", () => {
    Reflect.deleteProperty(instance, "wave");
    const next = source.commit("1", "more");
    expect(boot()).toMatchObject({ status: 0, stdout: "agent: nix\n" });
    expect(read("nix-calls")).toContain(`rev=${next}`);
  });

  it("refuses a revision of a pull request, which no branch contains", () => {
    source.git("checkout", "--quiet", "--detach");
    const proposed = source.commit("1", "more");
    source.git("update-ref", "refs/pull/1/head", proposed);
    source.git("checkout", "--quiet", "main");
    approval["revision"] = proposed;
    expectRefused(`no branch contains the approved revision ${proposed}`);
    expect(read("nix-calls")).toBe("");
  });

  describe("that fails once the repository is fetched, and is tried again", () => {
    const failed = () => {
      approval["lock"] = sha256("another\n");
      expectRefused("flake.lock is not the approved one, by its digest");
      approval["lock"] = sha256("lock\n");
      writeFileSync(inRoot("git-calls"), "");
    };

    it("fetches only what is new", () => {
      for (const text of ["1", "2"]) source.commit(text, "more");
      failed();
      approval["revision"] = source.commit("3", "more");
      source.commit("4", "more");
      expect(boot()).toMatchObject({ status: 0, stdout: "agent: nix\n" });
      expect(read("git-calls")).not.toMatch(/init|--depth|--unshallow/);
    });

    it("fetches no history that it does not need", () => {
      failed();
      approval["revision"] = source.commit("1", "more");
      expect(boot()).toMatchObject({ status: 0, stdout: "agent: nix\n" });
      expect(read("git-calls")).not.toMatch(/init|--unshallow/);
    });

    it("fetches all again where a fetch was cut short, or from another repository", () => {
      source.commit("1", "more");
      failed();
      writeFileSync(inRoot("run/nixos-fleet/fetched"), "https://git.internal/another.git\n");
      writeFileSync(inRoot("run/nixos-fleet/repository/shallow.lock"), "");
      expect(boot()).toMatchObject({ status: 0, stdout: "agent: nix\n" });
      expect(read("git-calls")).toContain("--unshallow");
    });

    it.each(["main", "release"])("refuses a revision that its branch %s does not contain any more", (branch) => {
      if (branch !== "main") source.git("checkout", "--quiet", "-b", branch);
      approval["revision"] = source.commit("1", "more");
      source.commit("2", "more");
      failed();
      if (branch === "main") source.git("reset", "--quiet", "--hard", "HEAD~2");
      else {
        source.git("checkout", "--quiet", "main");
        source.git("branch", "--quiet", "-D", branch);
      }
      expectRefused(`no branch contains the approved revision ${String(approval["revision"])}`);
    });
  });

  it("refuses a lock that is not the approved one", () => {
    approval["lock"] = sha256("another\n");
    expectRefused("flake.lock is not the approved one, by its digest");
    expect(read("nix-calls")).toBe("");
  });

  it("refuses an approval of a lock for a revision that has none", () => {
    source.git("rm", "--quiet", "flake.lock");
    approval["revision"] = source.commit("{ }", "flake.nix");
    expectRefused("flake.lock is not the approved one, by its digest");
  });
});

describe("with a manifest", () => {
  beforeEach(() => approveManifest());

  it("gets the system that the manifest names, and builds nothing", () => {
    expect(boot()).toMatchObject({ status: 0, stdout: "agent: nix-store\n" });
    expect(read("nix-calls")).toMatch(new RegExp(`^nix-store --realise ${systemPath} `));
  });

  it("refuses a lock that is not the approved one, before it gets the system", () => {
    approval["lock"] = sha256("another\n");
    expectRefused("flake.lock is not the approved one, by its digest");
    expect(read("nix-calls")).toBe("");
  });

  const expectBuilt = () => {
    expect(boot()).toMatchObject({ status: 0, stdout: "agent: nix\n" });
    expect(read("nix-calls")).not.toContain("nix-store");
  };

  it("builds the agent where the manifest is not the approved one, by its digest", () => {
    approveManifest(sha256("another"));
    expectBuilt();
  });

  it("builds the agent where the approval names no digest of the manifest", () => {
    approval["manifest"] = { url: manifestUrl };
    expectBuilt();
  });

  it.each(["/tmp/system", "/nix/store/../../tmp/system", "/nix/store/x --option", "", "--help"])(
    "builds the agent where the manifest names `%s`, which is no store path",
    (path) => {
      image.manifest = JSON.stringify({ vm: path });
      approveManifest();
      expectBuilt();
    },
  );
});

it.each([false, true])("asks no server that is not a git server's URL; with a manifest: %s", (prebuilt) => {
  if (prebuilt) approveManifest();
  instance["repository"] = "ext::sh -c id";
  expectRefused('repository: "ext::sh -c id" must be an http(s), ssh or git URL');
  expect(read("nix-calls") + read("git-calls")).toBe("");
});

describe.each([false, true])("with signers; with a manifest: %s", (prebuilt) => {
  beforeEach(() => {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "infra", "-f", inRoot("infra")]);
    instance["signers"] = `infra@example.com ${read("infra.pub").trim()}`;
    if (prebuilt) approveManifest();
  });

  it("refuses a commit that no signer signed, before it gets an agent", () => {
    expectRefused("the commit carries no good signature of a signer");
    expect(read("nix-calls")).toBe("");
  });

  it("refuses one that an X.509 certificate signed, whatever the image trusts", () => {
    fake("gpgsm", x509.gpgsm);
    approval["revision"] = source.commit("signed\n", "flake.lock", ...x509.sign(inRoot("bin/gpgsm")));
    approval["lock"] = sha256("signed\n");
    expectRefused("the commit carries no good signature of a signer");
  });

  // Nothing binds the manifest's path to the signed commit.
  it("builds the agent out of one that a signer signed", () => {
    const sign = ["-c", "gpg.format=ssh", "-c", `user.signingKey=${inRoot("infra")}`, "-S"];
    approval["revision"] = source.commit("signed\n", "flake.lock", ...sign);
    approval["lock"] = sha256("signed\n");
    expect(boot()).toMatchObject({ status: 0, stdout: "agent: nix\n" });
  });
});

describe("a site's proxy", () => {
  const proxy = "http://u:secret@proxy:3128";
  const expectNoPassword = () =>
    expect(read("git-calls") + read("nix-calls") + read("curl-calls")).not.toContain("secret");

  beforeEach(() => {
    const variables = { https_proxy: proxy, NO_PROXY: "a b", EDITOR: "vi", __NIXOS_SET_ENVIRONMENT_DONE: "1" };
    const lines = Object.entries(variables).map(([name, value]) => `export ${name}="${value}"\n`);
    writeFileSync(inRoot("etc/set-environment"), `export PATH="$PATH:$UNKNOWN"\n${lines.join("")}`);
  });

  it("is used by git, Nix, curl and the agent, and nothing else of the machine's environment is", () => {
    approveManifest();
    expect(boot()).toMatchObject({ status: 0 });
    for (const user of ["git", "nix", "curl", "agent"]) {
      expect(read(`${user}-environment`)).toContain(`https_proxy=${proxy}\n`);
      expect(read(`${user}-environment`)).toContain("NO_PROXY=a b\n");
      expect(read(`${user}-environment`)).not.toMatch(/^(EDITOR=vi|__NIXOS)/m);
    }
    expectNoPassword();
  });

  it("is used by the agent that the image brings", () => {
    mkdirSync(inRoot("run/current-system/sw/bin"), { recursive: true });
    writeFileSync(inRoot("run/current-system/sw/bin/nixos-auto-update"), "#!/bin/sh\nenv\n", { mode: 0o755 });
    expect(boot().stdout).toContain(`https_proxy=${proxy}\n`);
  });

  it("of git's configuration is used, and nothing else of it", () => {
    const lines = [`[http]\n\tproxy = ${proxy}\n\tsslCAInfo = /etc/a file.pem\n\textraHeader = no`];
    lines.push(`[http "https://a.b"]\n\tproxy = ${proxy}\n[alias]\n\tx = no\n`);
    writeFileSync(inRoot("etc/gitconfig"), lines.join("\n"));
    expect(boot({ GIT_CONFIG_SYSTEM: inRoot("etc/gitconfig") })).toMatchObject({ status: 0 });
    const variables = read("nix-environment");
    const number = /^GIT_CONFIG_KEY_(\d+)=http\.proxy$/m.exec(variables)?.[1] ?? "none";
    expect(variables).toContain(`GIT_CONFIG_VALUE_${number}=${proxy}\n`);
    expect(variables).toMatch(/^GIT_CONFIG_KEY_\d=http\.https:\/\/a\.b\.proxy$/m);
    expect(variables).toMatch(/^GIT_CONFIG_VALUE_\d=\/etc\/a file\.pem$/m);
    expect(variables).toMatch(/^GIT_CONFIG_COUNT=7$/m);
    expect(variables).not.toMatch(/=no$/m);
    expectNoPassword();
  });

  it("is found in git's configuration by the names that the agent takes", () => {
    expect(startupScript()).toContain(`'${SITE_KEYS}'`);
  });
});

describe("a server that does not answer any more", () => {
  /** Seconds after which the script gives up a program that hangs; all others end in less. */
  const soon = String(patience(1) / 1000);

  it.each([
    ["git", "*' fetch '*", "cannot fetch from the repository"],
    ["nix", "*' build '*", "the agent cannot be built"],
  ])("does not stop %s for good", (name, command, line) => {
    const program = read(`bin/${name}`);
    const hang = `case "$*" in ${command}) exec sleep 600 ;; esac`;
    fake(name, program.replace("\n", `\n${hang}\n`));
    const { status, stderr } = boot({ NIXOS_AUTO_UPDATE_BUILD_TIMEOUT: soon });
    expect(status).toBe(1);
    expect(stderr).toContain(`nixos-fleet: ${line}`);
  });

  it("is given up by the cache's client, and the agent is built", () => {
    approveManifest();
    fake("nix-store", "#!/bin/sh\nexec sleep 600\n");
    expect(boot({ NIXOS_AUTO_UPDATE_BUILD_TIMEOUT: soon })).toMatchObject({ status: 0, stdout: "agent: nix\n" });
  });

  it("is noticed by ssh and by git's own transfers", () => {
    boot();
    expect(read("git-environment")).toMatch(/^GIT_CONFIG_KEY_2=http\.lowSpeedLimit$/m);
    expect(read("git-environment")).toMatch(/^GIT_CONFIG_VALUE_3=120$/m);
    mkdirSync(inRoot("run/nixos-fleet/keys"));
    writeFileSync(inRoot("run/nixos-fleet/keys/table"), "");
    fake("ssh", '#!/bin/sh\necho "$*"\n');
    const args = [inRoot("script"), "ssh", "git@git.internal", "git-upload-pack 'config.git'"];
    const env = { PATH: `${inRoot("bin")}:${process.env["PATH"] ?? ""}` };
    const { stdout } = spawnSync("sh", args, { env, encoding: "utf8" });
    expect(stdout).toContain("-o ServerAliveInterval=15 -o ServerAliveCountMax=4 git@git.internal");
  });
});
