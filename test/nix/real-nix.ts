/** A `nix` for programs that run on this machine: the image's, which sees this machine's /tmp. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { image } from "../../nix/tests/image";

/**
 * Writes the program into a directory that is to be on PATH. What nix builds is gone when it ends, or lies in `keep`, a directory of a
 * tmpfs, for its next run.
 */
export function installNix(directory: string, keep = ""): void {
  const script = `#!/bin/sh
exec unshare --mount --propagation private sh -euc '
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
  exec env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 chroot root sh -c "cd \\"\\$1\\"; shift; exec nix \\"\\$@\\"" sh "$here" "$@"
' sh '${image ?? ""}' "$PWD" '${keep}' "$@"
`;
  writeFileSync(join(directory, "nix"), script);
  chmodSync(join(directory, "nix"), 0o755);
}
