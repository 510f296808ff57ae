/** The agent's own files half-written, of someone else, or of another time. */
import { type Fault, damage, unchanged, updated } from "../fault";

const state = "/var/lib/nixos-auto-update";
const run = "/run/nixos-auto-update";
const lock = "/run/lock/nixos-auto-update.lock";
const developer = "id dev >/dev/null 2>&1 || useradd --create-home dev;";

/** A clock that is off, for the update's service. */
const clock = (offset: string) =>
  damage(
    `mkdir -p /run/systemd/system/nixos-auto-update.service.d && printf '[Service]\\nEnvironment=LD_PRELOAD=%s FAKETIME=${offset} FAKETIME_DONT_FAKE_MONOTONIC=1\\n' \
     "$(echo /usr/lib/*/faketime/libfaketimeMT.so.1)" >/run/systemd/system/nixos-auto-update.service.d/clock.conf && systemctl daemon-reload`,
    "rm -r /run/systemd/system/nixos-auto-update.service.d && systemctl daemon-reload",
  );

export const ownFiles: Fault[] = [
  { name: "state file half-written", inject: damage(`truncate -s 40 ${state}/state.json`) },
  { name: "state file empty", inject: damage(`: >${state}/state.json`) },
  { name: "state file gone", inject: damage(`rm ${state}/state.json`) },
  {
    name: "state file of another shape",
    inject: damage(`echo '{"revision": 7, "refused": "x", "approved": []}' >${state}/state.json`),
  },
  { name: "state file that is a folder", inject: damage(`rm ${state}/state.json && mkdir ${state}/state.json`) },
  {
    name: "half-written files left behind",
    inject: damage(`touch ${state}/state.json.new ${run}/homes.json.new; mkdir --parents ${run}/watch-baseline.new`),
  },
  {
    name: "files of this boot garbled",
    inject: damage(
      `for f in ${run}/*; do [ ! -f "$f" ] || head -c 50 /dev/urandom >"$f"; done; echo x >${run}/switching`,
    ),
    // A watcher that cannot read what it saw last asks for an update, which may end after this one.
    reports: [updated, unchanged],
  },
  {
    name: "request garbled",
    inject: damage(`mkdir -p ${run}/asked && head -c 500 /dev/urandom >${run}/asked/x && : >${run}/asked/y`),
  },
  { name: "result of a build left behind", inject: damage(`ln -s /nowhere ${state}/built`) },
  { name: "stale lock", inject: damage(`echo 'watch by nobody, pid 1, since 1999' >${lock}`) },
  {
    name: "lock that a developer made and holds",
    inject: damage(
      `${developer} rm -f ${lock}; setsid setpriv --reuid=dev --clear-groups flock ${lock} sleep 300 >/dev/null 2>&1 & sleep 0.5`,
      "pkill -u dev; true",
    ),
  },
  {
    name: "lock that is a developer's folder",
    inject: damage(
      `${developer} rm -f ${lock}; setpriv --reuid=dev --clear-groups mkdir -p ${lock}/x`,
      `rm -rf ${lock}`,
    ),
  },
  {
    name: "lock that is a developer's link",
    inject: damage(`${developer} rm -f ${lock}; setpriv --reuid=dev --clear-groups ln -s /etc/passwd ${lock}`),
  },
  { name: "clock 20 years behind", inject: clock("-20y") },
  { name: "clock 20 years ahead", inject: clock("+20y") },
].map((fault) => ({ reports: [updated], overcome: true, ...fault }));
