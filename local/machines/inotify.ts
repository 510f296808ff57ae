/**
 * The host's limit of inotify instances. All machines share it, since their root is the host's: systemd, D-Bus and logind of one machine take
 * six. Many kernels allow a user 128, which 22 machines use up; the next one's systemd then ends without a word, and so may a service of the
 * others.
 */
import { readFileSync, writeFileSync } from "node:fs";

const PER_MACHINE = 6;
/** Enough for a thousand machines. NixOS allows more (nixos/modules/config/sysctl.nix). */
const ENOUGH = 8192;

/** Raises the limit until the host's next boot; never lowers it. @param file the kernel's setting */
export function raiseInotifyLimit(file = "/proc/sys/fs/inotify/max_user_instances"): void {
  const limit = Number(readFileSync(file, "utf8"));
  if (limit >= ENOUGH) return;
  try {
    writeFileSync(file, String(ENOUGH));
  } catch {
    console.error(
      `${file} is ${limit}, enough for ${Math.floor(limit / PER_MACHINE)} machines, and cannot be raised; set it to ${ENOUGH}`,
    );
  }
}
