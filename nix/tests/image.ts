/** The machine image that the local cloud keeps in its cache, as a place to run nix and systemd's tools in. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";

const project = resolve(__dirname, "../..");

function newestImage(): string | undefined {
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "nixos-fleet", "image");
  if (!existsSync(cache)) return undefined;
  return readdirSync(cache)
    .map((name) => join(cache, name))
    .filter((path) => existsSync(join(path, "usr/bin/nix")) && existsSync(join(path, "etc/nix/nix.conf")))
    .sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs)
    .at(-1);
}

/** The image's path, or undefined where there is none, or no root to enter it. `./scripts/local up` builds it. */
export const image = process.getuid?.() === 0 ? newestImage() : undefined;

/**
 * Options of `unshare` for mounts and process numbers of one's own: Nix ends all processes of a build user before it builds, also those of
 * other machines here if it sees them.
 */
export const apart = ["--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"];

/**
 * Runs a shell script inside a throwaway copy of the image, with the project at `/project`, and gives its standard
 * output. Throws execa's error when the script fails.
 */
export async function inside(script: string): Promise<string> {
  if (image === undefined) throw new Error("no machine image in the cache, or not root");
  const runner = join(__dirname, "image-chroot.sh");
  const { stdout } = await execa("unshare", [...apart, "sh", runner, image, project, "sh", "-euc", script]);
  return stdout;
}

/**
 * Evaluates a Nix file of the project (its path from the project's root) with the nix on PATH or the image's. A file that
 * is a function gets its arguments by name, as Nix expressions.
 */
export async function evaluate(file: string, given: Record<string, string> = {}): Promise<unknown> {
  const args = [
    "--eval",
    "--strict",
    "--json",
    ...Object.entries(given).flatMap(([name, value]) => ["--arg", name, value]),
  ];
  const stdout = nixOnPath
    ? (await execa("nix-instantiate", [...args, join(project, file)])).stdout
    : await inside(["nix-instantiate", ...args, join("/project", file)].map((word) => `'${word}'`).join(" "));
  return JSON.parse(stdout);
}

const nixOnPath = (process.env["PATH"] ?? "").split(":").some((folder) => existsSync(join(folder, "nix-instantiate")));

/** Whether there is a nix to evaluate with. */
export const hasNix = nixOnPath || image !== undefined;

/** Where `evaluate` finds a checkout that an environment variable names. */
function checkout(variable: string, shown: string): string | undefined {
  const given = process.env[variable];
  return given && (nixOnPath ? given : shown);
}

/** nixpkgs or nixpkgs.lib: its `lib` folder is nixpkgs' own. */
export const nixpkgsLib = checkout("NIXOS_FLEET_NIXPKGS_LIB", "/nixpkgs-lib");

/** Home Manager. */
export const homeManager = checkout("NIXOS_FLEET_HOME_MANAGER", "/home-manager");
