/** Ending an update where it hurts: at a stage that the agent's own trace names, or anywhere. */
import { setTimeout as sleep } from "node:timers/promises";
import { patience } from "../setup/pace";
import type { Vm } from "./vm";

/** SIGKILL ends the update with all that it started, or the agent alone, as the kernel does when memory runs out. */
export type Interruption = "SIGKILL" | "power-off";

/** The stage that a line of the trace opens: `→ switching to /nix/store/…` is `switching`. */
function stageOf(line: string): string | undefined {
  return /^→ ([a-z]+(?: [a-z]+)*?)(?= to | [0-9a-f]{7}\b| \/|:|$)/.exec(line)?.[1];
}

/** Runs an update and answers the stages that it goes through. */
export async function stagesOf(vm: Vm): Promise<string[]> {
  const stages: string[] = [];
  const stop = vm.follow((line) => {
    const stage = stageOf(line);
    if (stage !== undefined) stages.push(stage);
  });
  try {
    await sleep(500);
    await vm.update();
    await sleep(500);
  } finally {
    stop();
  }
  return [...new Set(stages)];
}

/** Begins an update and waits until it has been in a stage for some milliseconds; without a stage, since its start. */
export async function reach(vm: Vm, stage: string | undefined, wait: number): Promise<void> {
  if (stage === undefined) {
    await vm.begin();
    await vm.hasRequester();
  } else {
    await reachStage(vm, stage);
  }
  await sleep(wait);
}

async function reachStage(vm: Vm, stage: string): Promise<void> {
  let stop: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => {
    stop = vm.follow((line) => {
      if (stageOf(line) === stage) resolve();
    });
  });
  try {
    // The follower has to be there before there is something to follow.
    await sleep(300);
    await vm.begin();
    await Promise.race([
      reached,
      sleep(patience(60)).then(() => Promise.reject(new Error(`the update never was at ${stage}`))),
    ]);
  } finally {
    stop();
  }
}

/** Kills an update while it is in a stage. On a busy machine a kill may come after the update; the next one is tried then, five times in all. */
export async function killWhile(vm: Vm, stage: string, commit: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries++) {
    await commit();
    await reach(vm, stage, 100);
    if (await inject(vm, "SIGKILL", "all")) return;
    if (tries === 5) throw new Error(`${tries} times the update was over before it was killed while ${stage}`);
  }
}

/** Interrupts the VM; answers whether an update was under way. */
export async function inject(vm: Vm, interruption: Interruption, whom: "all" | "main"): Promise<boolean> {
  if (interruption === "SIGKILL") return vm.kill(whom);
  const hit = await vm.runs();
  await vm.powerOff();
  return hit;
}

/** Runs the next update after an interruption: the boot's own, or one that is asked for. */
export async function resume(vm: Vm, interruption: Interruption): Promise<void> {
  if (interruption === "power-off") await vm.recovered();
  else await vm.update();
}
