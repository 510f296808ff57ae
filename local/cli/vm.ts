/** One VM of the local cloud: a shell in it, and its power switch through the Compute API. */
import { execa } from "execa";
import { leaderOf } from "../machines/container";
import { cloudNames, machineNames } from "../machines/names";
import { enter } from "../machines/nspawn";
import { daemonInfo } from "./environment";
import type { Chaos } from "../api/chaos";
import type { State } from "./paths";

interface Instance {
  name: string;
  zone: string;
  status: string;
}

async function call<T>(state: State, path: string, method: "GET" | "POST" = "GET"): Promise<T> {
  const { endpoint, project } = daemonInfo(state);
  const answer = await fetch(`${endpoint}projects/${project}/${path}`, {
    method,
    headers: { authorization: "Bearer local" },
  });
  const body = (await answer.json()) as T & { error?: { message: string } };
  if (body.error && !answer.ok) throw new Error(body.error.message);
  return body;
}

export async function instances(state: State): Promise<Instance[]> {
  const { items } = await call<{ items: Record<string, { instances?: Instance[] }> }>(state, "aggregated/instances");
  return Object.values(items).flatMap(({ instances }) => instances ?? []);
}

/** Makes this percentage of calls to the cloud's APIs fail from now on. */
export async function setChaos(state: State, chaos: Chaos): Promise<void> {
  const url = new URL("/local/chaos", daemonInfo(state).endpoint);
  const answer = await fetch(url, { method: "PUT", body: JSON.stringify(chaos) });
  const { error } = (await answer.json()) as { error?: { message: string } };
  if (error !== undefined) throw new Error(error.message);
}

async function zoneOf(state: State, vm: string): Promise<string> {
  const all = await instances(state);
  const found = all.find(({ name }) => name === vm);
  if (!found) throw new Error(`VM "${vm}": there is none; one of ${all.map(({ name }) => name).join(", ")} is right`);
  return found.zone.replace(/^.*\//, "");
}

/** Starts, stops or resets a VM and waits until Compute reports that it is done. */
export async function power(state: State, vm: string, action: "start" | "stop" | "reset"): Promise<void> {
  const zone = await zoneOf(state, vm);
  const { name } = await call<{ name: string }>(state, `zones/${zone}/instances/${vm}/${action}`, "POST");
  for (;;) {
    const operation = await call<{ status: string; error?: { errors: { message: string }[] } }>(
      state,
      `zones/${zone}/operations/${name}/wait`,
      "POST",
    );
    if (operation.status !== "DONE") continue;
    if (operation.error) throw new Error(operation.error.errors.map(({ message }) => message).join("; "));
    return;
  }
}

/** A root shell in a VM (or one command), through the machine's namespaces and not its sshd: for debugging. */
export async function ssh(state: State, vm: string, command: readonly string[]): Promise<number> {
  await zoneOf(state, vm);
  const leader = leaderOf(machineNames(cloudNames(state.directory), vm));
  if (leader === undefined) throw new Error(`VM "${vm}" does not run: start it with ./scripts/local start ${vm}`);
  const argv = enter(leader, command.length > 0 ? ["/bin/sh", "-c", command.join(" ")] : ["/bin/bash", "-l"]);
  const [file, ...rest] = argv;
  const { exitCode } = await execa(file, rest, { stdio: "inherit", reject: false });
  return exitCode ?? 1;
}
