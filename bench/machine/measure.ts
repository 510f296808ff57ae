/** What a command costs on a machine of the local cloud: of the whole machine, by its control group and its process numbers. */
import type { Lab } from "../../test/faults/lab";
import type { Vm } from "../../test/faults/vm";

/** CPU and wall in seconds. */
export interface MachineCost {
  cpu: number;
  wall: number;
  processes: number;
}

/** Runs a shell command as root. @throws where it fails, with what it said */
export async function measureOn(lab: Lab, vm: Vm, command: string): Promise<MachineCost> {
  const pid = "cat /proc/sys/kernel/ns_last_pid";
  const before = lab.cpu(vm.name);
  const printed = await vm.sh(
    `${pid}; date +%s.%N; ( ${command} ) >/tmp/bench.log 2>&1 || { cat /tmp/bench.log; exit 1; }; date +%s.%N; ${pid}`,
  );
  const [first = NaN, start = NaN, end = NaN, last = NaN] = printed.split(/\s+/).map(Number);
  return { cpu: lab.cpu(vm.name) - before, wall: end - start, processes: last - first };
}
