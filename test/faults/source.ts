/** A configuration repository for one host, whose revisions are good or bad to order, behind a git server that can be broken. */
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type net from "node:net";
import path from "node:path";
import { execa } from "execa";
import { seed, type Place } from "../../local/cli/repository";
import type { Network } from "../../local/machines/driver";

/** What is wrong with a revision, as text in its host's module. */
export const flaws = {
  none: "",
  evaluation: 'broken = throw "no such option";',
  build: 'system.systemBuilderCommands = "echo cannot build this; exit 1";',
  orphan: "services.nixos-auto-update.enable = lib.mkForce false;",
  activation: 'system.activationScripts.broken = "echo cannot activate this; exit 1";',
  unit: 'systemd.services.broken = { wantedBy = [ "multi-user.target" ]; serviceConfig.Type = "oneshot"; script = "exit 1"; };',
  restarts:
    'systemd.services.restarts = { wantedBy = [ "multi-user.target" ]; serviceConfig = { Restart = "always"; RestartSec = 5; }; script = "exit 1"; };',
  check: 'services.nixos-auto-update.healthChecks.never = { command = "echo not well; false"; timeout = 5; };',
  hangingCheck: 'services.nixos-auto-update.healthChecks.hangs = { command = "sleep infinity"; timeout = 2; };',
  cutsItsNetwork: `systemd.services.cut = { wantedBy = [ "multi-user.target" ]; serviceConfig = { Type = "oneshot"; RemainAfterExit = true;
    ExecStart = [ "/usr/sbin/nft add table ip cut" "/usr/sbin/nft add chain ip cut out { type filter hook output priority 0; policy drop; }" ];
    ExecStop = "/usr/sbin/nft delete table ip cut"; }; };`,
  big: 'system.systemBuilderCommands = "dd if=/dev/zero of=big bs=1M count=200";',
  hangs: 'system.activationScripts.hangs = "sleep infinity";',
  hangsHard: "system.activationScripts.hangs = \"trap '' TERM INT HUP; while :; do sleep 1; done\";",
  bootLoader: 'system.systemBuilderCommands = "echo exit 1 >install-boot-loader";',
  slow: 'system.systemBuilderCommands = "sleep 0.6; echo sleep 2 >install-boot-loader"; system.activationScripts.slow = "sleep 2";',
  slowThenFails:
    'system.systemBuilderCommands = "sleep 0.6"; system.activationScripts.slow = "sleep 2; echo cannot activate this; exit 1";',
} as const;
export type Flaw = keyof typeof flaws;

/** How many generations the host keeps. */
export const kept = 5;

/** When the first locked nixpkgs is said to be from, in seconds. */
const epoch = 1_700_000_000;

/** How commits are dated, where not now. */
interface Dated {
  date?: string;
}

export class Source {
  readonly hostName = "dev-canary";
  readonly url: string;
  private readonly clone: string;
  private readonly bare: string;
  /** What else the host's module says, in every revision from now on. */
  extra = "";
  /**
   * Whether revisions leave the lock as it is. A moved lock is another PATH in every unit, so that an update builds, tests and restarts more:
   * a test that looks at none of that saves a fifth of each update's CPU time.
   */
  keepsLock = false;
  private server: ChildProcess | undefined;
  private count = 0;

  private constructor(
    place: Place,
    readonly port: number,
    private readonly network: Network,
  ) {
    this.url = `git://git.internal:${port}/config.git`;
    this.clone = place.configClone;
    this.bare = place.configRepository;
  }

  static async open(directory: string, port: number, network: Network): Promise<Source> {
    mkdirSync(directory);
    const place = {
      directory,
      configRepository: path.join(directory, "git", "config.git"),
      configClone: path.join(directory, "config"),
    };
    await seed(place);
    // A commit is in the repository once it is made, and a push is a change of its branch: one process instead of ten.
    const objects = path.join(place.configClone, ".git", "objects");
    rmSync(objects, { recursive: true });
    symlinkSync(path.join(place.configRepository, "objects"), objects);
    const source = new Source(place, port, network);
    await source.commit();
    source.serve();
    return source;
  }

  private git(args: string[], env: Record<string, string> = {}): Promise<{ stdout: string }> {
    const identity = ["-c", "user.name=infra", "-c", "user.email=infra@example.com"];
    return execa("git", [...identity, "-c", "maintenance.auto=false", ...args], { cwd: this.clone, env });
  }

  /** Number of the last revision, as its host shows it in /etc/lab. */
  get number(): string {
    return String(this.count);
  }

  /** Pushes a revision, with a changed lock unless the lock is kept; answers it in full. */
  async commit(flaw: Flaw = "none", { date }: Dated = {}): Promise<string> {
    this.count++;
    const module = `{ lib, ... }:
{
  networking.hostName = "${this.hostName}";
  services.nixos-auto-update = { onBoot = "2s"; keepGenerations = ${kept}; minimumFree = 8; };
  environment.etc."lab".text = "${this.count}";
  imports = [ { ${flaws[flaw]} } { ${this.extra} } ];
}
`;
    writeFileSync(path.join(this.clone, `hosts/${this.hostName}.nix`), module);
    if (!this.keepsLock) this.moveLock();
    const dates = date === undefined ? {} : { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
    await this.git(["commit", "--quiet", "--all", "--message", `Revision ${this.count}: ${flaw}`], dates);
    return this.push();
  }

  /** Makes the clone's commit the head of the branch that VMs follow; answers it in full. */
  private async push(): Promise<string> {
    const head = await this.head();
    await execa("git", ["update-ref", "refs/heads/main", head], { cwd: this.bare });
    return head;
  }

  /** Signs commits from now on, with an SSH key whose public part lies beside it; commits are not signed where there is none. */
  async signWith(key: string | undefined): Promise<void> {
    await this.git(["config", "gpg.format", "ssh"]);
    await this.git(["config", "user.signingKey", `${key ?? ""}.pub`]);
    await this.git(["config", "commit.gpgSign", String(key !== undefined)]);
  }

  /** Puts a file into the next revision; `edit` gets what it was before. */
  async edit(file: string, edit: (text: string) => string): Promise<void> {
    const place = path.join(this.clone, file);
    writeFileSync(place, edit(existsSync(place) ? readFileSync(place, "utf8") : ""));
    await this.git(["add", "--intent-to-add", file]);
  }

  /** What the visible version has of the last revision: of its lock. */
  get version(): string {
    return String(this.readLock().nodes.nixpkgs.locked["lastModified"]);
  }

  /** Moves nixpkgs in the lock, so that the visible service's version follows the revision. */
  private moveLock(): void {
    const lock = this.readLock();
    Object.assign(lock.nodes.nixpkgs.locked, { lastModified: epoch + this.count });
    writeFileSync(this.lockFile, `${JSON.stringify(lock, null, 2)}\n`);
  }

  private readLock(): { nodes: { nixpkgs: { locked: Record<string, unknown> } } } {
    return JSON.parse(readFileSync(this.lockFile, "utf8")) as ReturnType<Source["readLock"]>;
  }

  private get lockFile(): string {
    return path.join(this.clone, "flake.lock");
  }

  async head(): Promise<string> {
    const folder = path.join(this.clone, ".git");
    const branch = (await readFile(path.join(folder, "HEAD"), "utf8")).slice("ref: ".length).trim();
    return (await readFile(path.join(folder, branch), "utf8")).trim();
  }

  /** SHA-256 (hex) of the last revision's flake.lock, as an approval names it. */
  get lock(): string {
    return createHash("sha256").update(readFileSync(this.lockFile)).digest("hex");
  }

  /** Pushes a history that has nothing to do with the one before. */
  async startNewHistory(): Promise<string> {
    await this.git(["checkout", "--quiet", "--orphan", "new-history"]);
    const revision = await this.commit();
    await this.git(["branch", "--quiet", "-M", "main"]);
    return revision;
  }

  /** Goes back to a revision, which is then pushed whatever has been pushed since. */
  async reset(revision: string): Promise<void> {
    await this.git(["reset", "--quiet", "--hard", revision]);
    await this.push();
  }

  async removeBranch(): Promise<void> {
    await execa("git", ["update-ref", "-d", "refs/heads/main"], { cwd: this.bare });
  }

  /** Puts an empty repository in the place of this one; answers what undoes it. */
  async empty(): Promise<() => void> {
    renameSync(this.bare, `${this.bare}.kept`);
    await execa("git", ["init", "--quiet", "--bare", this.bare]);
    return () => {
      rmSync(this.bare, { recursive: true });
      renameSync(`${this.bare}.kept`, this.bare);
    };
  }

  serve(): void {
    const base = path.dirname(this.bare);
    this.server = this.network.spawnInside([
      ...["git", "daemon", `--port=${this.port}`, `--base-path=${base}`, "--export-all", "--reuseaddr"],
      ...["--informative-errors", base],
    ]);
  }

  private async end(): Promise<void> {
    if (this.server?.exitCode !== null) return;
    const ended = once(this.server, "exit");
    this.server.kill();
    await ended;
  }

  /** A server that accepts and says nothing, in the place of git's; answers what undoes it. */
  async hang(): Promise<() => Promise<void>> {
    await this.end();
    const silent = await this.network.listen(this.port, "0.0.0.0");
    const sockets = new Set<net.Socket>();
    silent.on("connection", (socket) => sockets.add(socket.on("error", () => undefined)));
    return async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => silent.close(closed));
      this.serve();
    };
  }

  /** No server at all: every connection is refused. */
  async refuse(): Promise<() => void> {
    await this.end();
    return () => this.serve();
  }
}
