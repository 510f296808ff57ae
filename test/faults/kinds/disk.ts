/** Disks that are full or damaged. */
import { type Fault, damage, failed, updated } from "../fault";

const state = "/var/lib/nixos-auto-update";
const mirror = `${state}/mirror.git`;
const fill = (folder: string) => `dd if=/dev/zero of=${folder}/filler bs=1M 2>/dev/null || true; sync`;

/** Puts a small file system in the place of a folder, with all that is in it. */
const smallOver = (folder: string, megabytes: number) => `
  mkdir -p /run/lab && mount -t tmpfs -o size=${megabytes}m,mode=755 lab /run/lab && cp -a ${folder}/. /run/lab &&
  mount --bind /run/lab ${folder}`;
/** The same, with no room left in it. */
const fullOver = (folder: string, megabytes: number) => `${smallOver(folder, megabytes)} && ${fill("/run/lab")}`;

export const disk: Fault[] = [
  {
    name: "ENOSPC in the store",
    // Without garbage, which the agent would collect. The file system stays, with room, for the update that follows.
    inject: damage(`nix-collect-garbage --delete-old 2>/dev/null && ${fullOver("/nix", 64)}`, "rm /run/lab/filler"),
    reports: [failed("build")],
    leaves: "power-off",
  },
  {
    name: "ENOSPC in a store with garbage in it",
    inject: damage(
      `${smallOver("/nix", 64)} && head -c 30M /dev/urandom >/run/garbage && nix-store --add /run/garbage && rm /run/garbage && ${fill("/run/lab")}`,
    ),
    reports: [updated],
    overcome: true,
    leaves: "power-off",
  },
  {
    name: "ENOSPC while it builds",
    flaw: "big",
    inject: damage(smallOver("/nix", 64)),
    reports: [failed("build")],
    leaves: "power-off",
  },
  {
    name: "ENOSPC in the agent's state",
    inject: damage(fullOver(state, 32), "rm /run/lab/filler"),
    reports: [failed("fetch"), failed("switch")],
    leaves: "power-off",
  },
  {
    name: "mirror that is no repository",
    inject: damage(`rm -rf ${mirror}/HEAD ${mirror}/refs`),
    reports: [updated],
    overcome: true,
  },
  {
    name: "mirror with a garbled HEAD and config",
    inject: damage(`echo garbage >${mirror}/HEAD; echo '[core' >${mirror}/config`),
    reports: [updated],
    overcome: true,
  },
  {
    name: "mirror with empty objects",
    inject: damage(`find ${mirror}/objects -type f -exec sh -c 'chmod u+w "$1"; : >"$1"' sh {} ';'`),
    reports: [updated],
    overcome: true,
  },
  {
    name: "mirror with damaged packs and objects",
    inject: damage(
      `find ${mirror}/objects -type f -exec sh -c 'chmod u+w "$1"; printf garbage | dd of="$1" bs=1 seek=20 conv=notrunc 2>/dev/null' sh {} ';'`,
    ),
    reports: [updated],
    overcome: true,
  },
  {
    name: "Nix's clone of the mirror with empty objects",
    inject: damage(
      `find ${state}/nix-cache -path '*/objects/*' -type f -exec sh -c 'chmod u+w "$1"; : >"$1"' sh {} ';'`,
    ),
    reports: [updated],
    overcome: true,
  },
  {
    name: "mirror without the deployed revision",
    inject: damage(`rm -rf ${mirror} && git init --quiet --bare ${mirror}`),
    reports: [updated],
    overcome: true,
  },
  {
    name: "mirror with the locks of a git that was killed",
    inject: damage(
      `touch ${mirror}/HEAD.lock ${mirror}/config.lock ${mirror}/packed-refs.lock ${mirror}/shallow.lock ${mirror}/refs/heads/main.lock`,
    ),
    reports: [updated],
    overcome: true,
  },
  {
    name: "clone for people that is damaged",
    inject: damage("touch /etc/nixos/.git/index.lock; : >/etc/nixos/.git/HEAD", "rm -rf /etc/nixos"),
    reports: [updated],
    overcome: true,
  },
  {
    name: "mirror that is a file",
    inject: damage(`rm -rf ${mirror} && echo garbage >${mirror}`),
    reports: [updated],
    overcome: true,
  },
];
