/** A `nix` for programs that run on this machine: the image's, which sees this machine's /tmp. */
import { execFile } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { apart, image } from "../../nix/tests/image";
import { patience } from "../setup/pace";

/**
 * Writes the program into a directory that is to be on PATH. What nix builds is gone when it ends, or lies in `keep`, a directory of a tmpfs,
 * for its next run.
 * @param program another program of Nix
 * @param asService whether it gets the caller's environment, and starts in `/`, as what a service starts
 */
export function installNix(directory: string, keep = "", program = "nix", asService = false): void {
  const script = `#!/bin/sh
exec unshare ${apart.join(" ")} sh -euc '
  image=$1 here=$2 keep=$3
  shift 3
  mount -t tmpfs tmpfs "$image/mnt"
  cd "$image/mnt"
  keep=\${keep:-$image/mnt}
  mkdir -p "$keep/upper" "$keep/work" root
  mount -t overlay overlay -o "lowerdir=$image,upperdir=$keep/upper,workdir=$keep/work" root
  mount --bind /tmp root/tmp
  mount -t proc proc root/proc
  mount --rbind /dev root/dev
  exec env ${asService ? "" : "-i"} HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 chroot root sh -c "cd \\"\\$1\\"; shift; exec ${program} \\"\\$@\\"" sh "$here" "$@"
' sh '${image ?? ""}' ${asService ? "/" : '"$PWD"'} '${keep}' "$@"
`;
  writeFileSync(join(directory, program), script);
  chmodSync(join(directory, program), 0o755);
}

/** How the image's nix ended. */
export interface NixEnd {
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs the image's nix in a copy of the image that is gone afterwards; see `runInImage`. */
export async function runNix(
  args: readonly string[],
  env: Record<string, string> = {},
  prepare = ":",
): Promise<NixEnd> {
  return runInImage(["nix", "--extra-experimental-features", "nix-command flakes", ...args], env, prepare);
}

/**
 * Runs a program in a copy of the image that is gone afterwards, with this environment alone; it sees this machine's /tmp and network.
 * @param prepare a shell command that runs first, in the folder of the copy
 */
export async function runInImage(
  command: readonly string[],
  env: Record<string, string>,
  prepare: string,
): Promise<NixEnd> {
  const script = `set -eu
    image=$1; shift
    mount -t tmpfs tmpfs "$image/mnt"; cd "$image/mnt"; mkdir upper work root
    mount -t overlay overlay -o "lowerdir=$image,upperdir=$PWD/upper,workdir=$PWD/work" root
    mount --bind /tmp root/tmp; mount -t proc proc root/proc; mount --rbind /dev root/dev
    cp /etc/hosts /etc/resolv.conf root/etc/
    cd root; ${prepare}
    exec chroot . "$@"`;
  const usual = { HOME: "/root", PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8" };
  const words = [...apart, "sh", "-c", script, "sh", image ?? "", ...command];
  try {
    const ended = await promisify(execFile)("unshare", words, { env: { ...usual, ...env }, timeout: patience(120) });
    return { status: 0, ...ended };
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code?: number; stdout?: string; stderr?: string };
    return { status: typeof code === "number" ? code : -1, stdout, stderr };
  }
}
