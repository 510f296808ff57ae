/** A file system in user space (FUSE) whose server answers nothing: what looks at it waits, and SIGKILL does not end that. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/**
 * Takes part in the protocol (linux/fuse.h) as far as a mount needs: it answers the first request, FUSE_INIT, by a header of 16 bytes and a
 * fuse_init_out of 64, of which version 7.31 and the greatest write, 4 KiB, are set. Later requests it takes and never answers: only from
 * then on can a waiting process not be killed.
 */
const server = String.raw`
# Newer ones look at what they mount before it is there, and only its user may. Without a mount there is no request.
LIBMOUNT_FORCE_MOUNT2=always mount -i -t fuse -o "fd=3,rootmode=40000,user_id=$1,group_id=$1" hung "$2" 2>/dev/null
request=$(dd bs=1M count=1 status=none <&3 | od -An -v -tx1 | tr -d ' \n')
[ -n "$request" ] || exit
zeros() { printf '00%.0s' $(seq "$1"); }
answer=5000000000000000${"${request:16:16}"}070000001f000000$(zeros 12)00100000$(zeros 40)
printf "$(echo "$answer" | sed 's/../\\x&/g')" >&3
echo mounted
while dd bs=1M count=1 of=/dev/null status=none <&3; do :; done &
# Until the test has ended, however it ended.
cat
kill -KILL 0
`;

/**
 * Mounts one over a folder, as its user would.
 * @param leader the machine's first process, in whose mount namespace the folder is
 * @returns ends the server: from then on everything in the folder is an error, and the mount can go
 */
export async function mountHung(leader: number, uid: number, folder: string): Promise<() => Promise<void>> {
  const enter = 'exec 3<>/dev/fuse; exec nsenter --target "$0" --mount -- bash -c "$1" hung "$2" "$3"';
  const child = spawn("bash", ["-c", enter, String(leader), server, String(uid), folder], {
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  const ended = once(child, "exit");
  const mounted = once(createInterface(child.stdout), "line");
  await Promise.race([
    mounted,
    ended.then(() => {
      throw new Error(`${folder} was not mounted`);
    }),
  ]);
  return async () => {
    child.stdin.end();
    await ended;
  };
}
