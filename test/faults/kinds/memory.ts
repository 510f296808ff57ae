/** Memory that runs out: the kernel then kills what holds most of it, which is a build or the agent itself (kills.test.ts). */
import { type Fault, damage, failed } from "../fault";

/** Kills the first process that a pattern of pgrep's finds, once there is one, as the kernel does. The pattern must not fit its own text. */
const whoever = (pattern: string) =>
  damage(
    `echo 'until pkill --signal KILL ${pattern}; do sleep 0.02; done' >/run/killer && systemd-run --quiet --collect --unit=killer sh /run/killer`,
    "systemctl stop killer.service 2>/dev/null || true",
  );

export const memory: Fault[] = [
  { name: "nix killed while it evaluates", inject: whoever("--exact nix") },
  { name: "builder killed", flaw: "slow" as const, inject: whoever("--full [b]uild.sh") },
].map((fault) => ({ reports: [failed("build")], recovery: "automatic", ...fault }));
