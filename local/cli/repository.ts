/** The local cloud's config repository: seeded once, then changed only by pushed commits. */
import { createHash, randomBytes } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { execa } from "execa";
import { gitArguments, type GitCommand } from "../../rules/git-arguments";
import { bundleAgent, watcherScript } from "../../tools/bundle-agent";
import { project, type State } from "./paths";

/** Paths of a config repository and its operator's clone. */
export type Place = Pick<State, "directory" | "configRepository" | "configClone">;

const identity = {
  GIT_AUTHOR_NAME: "infra",
  GIT_AUTHOR_EMAIL: "infra@example.com",
  GIT_COMMITTER_NAME: "infra",
  GIT_COMMITTER_EMAIL: "infra@example.com",
};

const git = (cwd: string, command: GitCommand) => execa("git", gitArguments(command), { cwd, env: identity });

/** Makes the bare repository and the operator's clone from `local/config-repo`, if they do not exist yet. */
export async function seed(state: Place): Promise<void> {
  if (existsSync(state.configClone)) return;
  const making = `${state.configClone}.making`;
  for (const path of [making, state.configRepository]) rmSync(path, { recursive: true, force: true });
  mkdirSync(state.configRepository, { recursive: true });
  await git(state.configRepository, { command: "init", options: ["--quiet", "--bare", "--initial-branch=main"] });
  const clone = { command: "clone", options: ["--quiet"], values: [state.configRepository, making] };
  await git(state.directory, clone);
  cpSync(join(project, "local/config-repo"), making, { recursive: true });
  // The modules and agents are part of the repository, since no machine here can fetch a flake input.
  cpSync(join(project, "nix"), join(making, "nixos-fleet/nix"), { recursive: true });
  cpSync(join(project, "contract.json"), join(making, "nixos-fleet/contract.json"));
  // Machines have no esbuild: they get the bundle that Nix would build.
  mkdirSync(join(making, "nixos-fleet/agent"), { recursive: true });
  bundleAgent(join(making, "nixos-fleet/agent/agent.cjs"));
  cpSync(watcherScript, join(making, "nixos-fleet/agent/watch.sh"));
  await commitAndPush(making, "The first configuration of the fleet", ["HEAD:main"]);
  renameSync(making, state.configClone);
}

async function commitAndPush(clone: string, message: string, refspec: string[] = ["HEAD:main"]): Promise<string> {
  await git(clone, { command: "add", options: ["--all"] });
  await git(clone, { command: "commit", options: ["--quiet", `--message=${message}`] });
  await git(clone, { command: "push", options: ["--quiet"], values: ["origin", ...refspec] });
  const { stdout } = await git(clone, { command: "rev-parse", options: ["--short"], values: ["HEAD"] });
  return stdout;
}

interface Lock {
  nodes: Record<string, { locked?: { rev: string; narHash: string; lastModified: number } }>;
}

/** Moves nixpkgs in `flake.lock` to a made-up revision a day later, as `nix flake update` would. @returns the commit */
export async function bumpLock(state: Place): Promise<string> {
  const path = join(state.configClone, "flake.lock");
  const lock = JSON.parse(readFileSync(path, "utf8")) as Lock;
  const locked = lock.nodes["nixpkgs"]?.locked;
  if (!locked)
    throw new Error(`${path}: nodes.nixpkgs.locked is missing; a flake.lock with the input nixpkgs is right`);
  const rev = randomBytes(20).toString("hex");
  const narHash = `sha256-${createHash("sha256").update(rev).digest("base64")}`;
  Object.assign(locked, { rev, narHash, lastModified: locked.lastModified + 24 * 3600 });
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  return commitAndPush(state.configClone, `flake.lock: nixpkgs to ${rev.slice(0, 7)}`);
}

/** Commits and pushes files. Files of the clone are taken as they are; any other file is copied into the clone's root. */
export async function push(state: Place, files: readonly string[]): Promise<string> {
  for (const file of files) {
    const path = resolve(file);
    if (!existsSync(path)) throw new Error(`${file}: no such file`);
    if (!path.startsWith(`${state.configClone}/`)) cpSync(path, join(state.configClone, basename(path)));
  }
  const { stdout: changed } = await git(state.configClone, { command: "status", options: ["--porcelain"] });
  if (changed === "") throw new Error(`nothing to push: the clone ${state.configClone} has no changes`);
  return commitAndPush(
    state.configClone,
    `Change ${files.map((file) => basename(file)).join(", ") || "the configuration"}`,
  );
}
