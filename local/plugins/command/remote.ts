/** `command:remote:Command`, through the machine's own OpenSSH client. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../core/engine-log";
import type { Run } from "../core/provider";
import { isObject, text, type Props, type Value } from "../core/value";
import { runProcess, type Ended } from "./process";
import { environment, shown, trimmed, type Output } from "./resource";
import { client, number, type Client } from "./ssh";

/** As Pulumi's own retries: from 100 ms, half as much again each time, never above 5 s. */
const FIRST_DELAY = 100;
const LAST_DELAY = 5_000;
/** What OpenSSH's client prints if a server accepts a connection and says nothing: one that is frozen. */
const NO_GREETING = /timed out during banner exchange/;

/** The official provider's defaults for a connection. */
export function connectionDefaults(connection: Value | undefined): Value {
  if (!isObject(connection)) return connection ?? null;
  const filled = { dialErrorLimit: 10, perDialTimeout: 15, port: 22, user: "root", ...connection };
  return isObject(connection["proxy"]) ? { ...filled, proxy: connectionDefaults(connection["proxy"]) } : filled;
}

/**
 * Runs a command on another machine. Variables reach it only if its server accepts them (AcceptEnv). Unlike the official provider's
 * client, OpenSSH's does not notice if the server does not.
 */
export async function runRemotely(
  log: Log,
  command: string,
  inputs: Props,
  previous: Output,
  run: Run,
): Promise<Output> {
  const connection = isObject(inputs["connection"]) ? inputs["connection"] : {};
  const variables = environment(inputs, previous);
  const ssh = await client(connection, Object.keys(variables));
  try {
    const ended = await dialled(log, ssh, command, inputs, variables, run);
    if (ended.failure === undefined) return trimmed(ended);
    const how =
      ended.exitCode === 255
        ? "the session was lost, or the command ended with status 255"
        : `Process exited with ${status(ended)}`;
    throw new Error(`${how}: running ${JSON.stringify(command)}:\n${ended.both}`);
  } finally {
    await ssh.remove();
    await log.flush(run.urn);
  }
}

/**
 * Retries until there is a session or `dialErrorLimit` is reached. As in the official provider, a cancel is seen between attempts only: it
 * does not end a session.
 */
async function dialled(
  log: Log,
  ssh: Client,
  command: string,
  inputs: Props,
  variables: Record<string, string>,
  { urn, signal }: Run,
): Promise<Ended> {
  const connection = isObject(inputs["connection"]) ? inputs["connection"] : {};
  const limit = number(connection, "dialErrorLimit", 10);
  const stdin = text(inputs, "stdin");
  for (let attempt = 1, delay = FIRST_DELAY; ; attempt++, delay = Math.min(delay * 1.5, LAST_DELAY)) {
    const ended = await runProcess({
      argv: [...ssh.argv, command],
      env: { ...process.env, ...variables, ...ssh.env },
      signal: new AbortController().signal,
      onLine: (stream, line) => {
        if (shown(inputs, stream)) log.status(urn, line);
      },
      ...(stdin === undefined ? {} : { stdin }),
    });
    if (ended.exitCode !== 255 || (await ssh.connected())) return ended;
    if (NO_GREETING.test(ended.stderr))
      throw new Error(
        "the server accepts connections and sends no greeting: the official command provider hangs on it",
      );
    if (limit >= 0 && attempt > limit) throw new Error(`after ${attempt} failed attempts: ${ended.stderr.trim()}`);
    log.status(urn, `Dial ${attempt}/${limit < 0 ? "inf" : limit} failed: retrying`);
    await sleep(delay, undefined, { signal });
  }
}

function status(ended: Ended): string {
  return ended.exitCode === null ? (ended.failure ?? "") : `status ${ended.exitCode}`;
}
