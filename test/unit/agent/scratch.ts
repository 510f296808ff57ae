/** A folder for one test of the agent's modules, with programs of its own on PATH, and git repositories. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";

export class Scratch {
  readonly root = mkdtempSync(join(tmpdir(), "agent-"));
  private readonly path = process.env["PATH"] ?? "";
  private readonly home = process.env["HOME"];
  /** What was written to standard error, such as the agent's log. */
  readonly said: string[] = [];
  private readonly spy = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    this.said.push(String(text));
    return true;
  });

  constructor() {
    for (const folder of ["bin", "state", "run"]) mkdirSync(join(this.root, folder));
    process.env["PATH"] = `${join(this.root, "bin")}:${this.path}`;
    process.env["HOME"] = this.root;
    delete process.env["XDG_CONFIG_HOME"];
    process.env["NIXOS_AUTO_UPDATE_PAUSE"] = "0";
  }

  in(name: string): string {
    return join(this.root, name);
  }

  /** Puts a program on PATH. */
  fake(name: string, text: string): void {
    writeFileSync(this.in(`bin/${name}`), `#!/bin/bash\n${text}\n`);
    chmodSync(this.in(`bin/${name}`), 0o755);
  }

  get log(): string {
    return this.said.join("");
  }

  remove(): void {
    process.env["PATH"] = this.path;
    process.env["HOME"] = this.home;
    this.spy.mockRestore();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** A gpgsm that signs, and finds each signature good. Options of git for its signatures. */
export const x509 = {
  gpgsm: String.raw`#!/bin/sh
cat >/dev/null
case "$*" in
  *--verify*) printf '\n[GNUPG:] GOODSIG x /CN=x\n[GNUPG:] VALIDSIG x\n[GNUPG:] TRUST_FULLY 0\n' ;;
  *) printf '\n[GNUPG:] SIG_CREATED x\n' >&2; echo '-----BEGIN SIGNED MESSAGE-----'; echo x; echo '-----END SIGNED MESSAGE-----' ;;
esac`,
  sign: (program: string) => [
    "-c",
    "gpg.format=x509",
    "-c",
    `gpg.x509.program=${program}`,
    "-c",
    "user.signingKey=x",
    "-S",
  ],
};

/** A repository that others fetch from. */
export class Repository {
  constructor(readonly folder: string) {
    execFileSync("git", ["init", "--quiet", "--initial-branch=main", folder]);
  }

  git(...args: string[]): string {
    const identity = ["-c", "user.name=a", "-c", "user.email=infra@example.com", "-c", "commit.gpgsign=false"];
    // Else each commit starts one more git, which finds nothing to tidy.
    const alone = ["-c", "maintenance.auto=false"];
    return execFileSync("git", ["-C", this.folder, ...identity, ...alone, ...args], { encoding: "utf8" }).trim();
  }

  /** Commits a file, flake.lock by default; answers the commit. */
  commit(text: string, file = "flake.lock", ...options: string[]): string {
    writeFileSync(join(this.folder, file), text);
    this.git("add", "--all");
    this.git(
      ...options.filter((word) => word === "-c" || word.includes("=")),
      "commit",
      "--quiet",
      ...options.filter((word) => word === "-S"),
      "--message",
      text,
    );
    return this.git("rev-parse", "HEAD");
  }

  get url(): string {
    return `file://${this.folder}`;
  }
}
