/** The startup script on machines: what an image lacks, what it waits for, what it refuses, and the agent that an image brings. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { approvalKey } from "../../rules/contract";
import { expectRuns } from "../faults/expect-generation";
import { Lab, limits } from "../faults/lab";
import type { Source } from "../faults/source";
import type { Vm } from "../faults/vm";
import { certificate } from "../../local/certificate";
import { httpsGit, type Door } from "../../local/https-git";
import { gitName } from "../../local/machines/network";
import { secretManagerName, tlsFront } from "../../local/tls-front";

const scratch = mkdtempSync(path.join(tmpdir(), "startup-"));
let lab: Lab;
let source: Source;
let door: Door;

/** What a VM's serial console and journal show of its startup script. */
const said = "journalctl --boot --no-pager --output=cat --unit=nixos-auto-update-bootstrap";
const says = (vm: Vm, line: string) => vm.until(line, `${said} | grep -qF ${JSON.stringify(line)}`, 90);
const approve = (wave: string, revision: string) =>
  lab.tell(approvalKey("devs", "faults", wave), { revision, lock: source.lock });

/** The first update ends well. */
async function expectUpdated(vm: Vm): Promise<void> {
  await vm.settle(limits);
  await expectRuns(await vm.facts(), source);
}

beforeAll(async () => {
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "infra", "-f", path.join(scratch, "infra")]);
  const tls = certificate(scratch, [gitName, secretManagerName]);
  // Machines of some names have no git, and one of them a nixpkgs to get it from.
  const first = `
    case $(hostname -s) in
      gets-git)
        mkdir -p /srv/nixpkgs
        cat >/srv/nixpkgs/flake.nix <<NIX
    { outputs = _: { packages.$(uname -m)-linux.gitMinimal = derivation {
        name = "git"; system = "$(uname -m)-linux"; builder = "/bin/sh";
        args = [ "-c" "/bin/mkdir -p \\$out/bin; /bin/ln -s /usr/bin/git.away \\$out/bin/git" ]; }; }; }
NIX
        echo '{"version":2,"flakes":[{"from":{"type":"indirect","id":"nixpkgs"},"to":{"type":"path","path":"/srv/nixpkgs"}}]}' \\
          >/etc/nix/registry.json ;;
    esac
    case $(hostname -s) in
      gets-git | no-git) [ ! -e /usr/bin/git ] || mv /usr/bin/git /usr/bin/git.away ;;
    esac`;
  lab = await Lab.open({ first, trusted: { cert: tls.cert, names: [secretManagerName] } });
  source = await lab.source();
  door = { accepted: "x-access-token:glpat-1", shown: [] };
  const git = httpsGit(path.join(lab.state, `source-${source.port}`, "git"), tls, door);
  const front = tlsFront(tls, { secretManager: lab.secretManager, git });
  await lab.listen(443, (socket) => front.emit("connection", socket));
});
afterAll(async () => {
  await lab.close();
  rmSync(scratch, { recursive: true });
});

it("waits for its wave's approval, builds nothing before, and takes exactly what is approved", async () => {
  const vm = await lab.newVm("waits", source, { wave: "rest" });
  await says(vm, "waiting for the approval of wave rest");
  expect(await vm.is("test -e /run/nixos-fleet/repository")).toBe(false);
  const approved = await source.head();
  approve("rest", approved);
  await expectUpdated(vm);
  expect(vm.report()).toMatchObject({ revision: approved, approved });
  expect(await vm.sh(said)).toContain(`fetching ${approved}`);
});

it("starts the agent that its image brings, and builds none", async () => {
  const vm = await lab.vm("image", source);
  // What an image has: a system with the agent, and nothing that an update left.
  await vm.sh("rm -rf /var/lib/nixos-auto-update /etc/nixos");
  await vm.powerOff();
  await expectUpdated(vm);
  const text = await vm.sh(said);
  expect(text).toContain("the first update is done");
  expect(text).not.toMatch(/nixos-fleet: (fetching|building)/);
});

it("gets from a repository by https with the token out of Secret Manager, and leaves it nowhere", async () => {
  const secret = lab.keepSecret("config", "glpat-1\n");
  const about = { repository: "https://git.internal/config.git", deployKeySecret: secret };
  const vm = await lab.newVm("token", source, about);
  await says(vm, `${secret}/versions/latest cannot be had`);
  expect(door.shown).toEqual([]);
  lab.allowSecret(secret);
  await expectUpdated(vm);
  expect(new Set(door.shown)).toEqual(new Set(["x-access-token:glpat-1"]));
  const kept = await vm.sh("grep -rlaF glpat-1 --exclude-dir=systemd /run /var /etc /tmp /root || true");
  expect(kept).toBe("/run/nixos-auto-update/credential");
});

it("refuses a commit that no signer signed, and takes one that a signer did", async () => {
  const key = readFileSync(path.join(scratch, "infra.pub"), "utf8").trim();
  approve("signed", await source.head());
  const vm = await lab.newVm("signed", source, { wave: "signed", signers: `infra@example.com ${key}` });
  await says(vm, "the commit carries no good signature of a signer");
  expect(await vm.is("test -e /run/nixos-fleet/agent")).toBe(false);
  await source.signWith(path.join(scratch, "infra"));
  approve("signed", await source.commit());
  await expectUpdated(vm);
  await source.signWith(undefined);
});

it("gets a git where its image has none", async () => {
  const vm = await lab.newVm("gets-git", source);
  await expectUpdated(vm);
  expect(await vm.sh(said)).toContain("this image has no git; getting it from nixpkgs");
});

it("says in one line that there is no git to be had, and goes on once there is one", async () => {
  const vm = await lab.newVm("no-git", source);
  await says(vm, "this image has no git, and nixpkgs#gitMinimal cannot be had");
  await vm.sh("ln -s /usr/bin/git.away /usr/local/bin/git");
  await expectUpdated(vm);
});
