/**
 * Sends people messages about the fleet's events: to a webhook that takes Slack's messages, or to a command. The environment of the person
 * who runs `pulumi up` names both, so that no address with a token in it gets into settings, state or logs. A message that cannot be sent
 * makes nothing else fail.
 */
import { execa } from "execa";
import { childEnvironment } from "../../rules/child-environment";
import type { Call } from "../command-line/command";
import { variable } from "../command-line/variable";
import type { FleetId } from "../fleet";
import type { FleetEvent } from "../history-entry";
import { notificationOf } from "./message";

/** Milliseconds that a webhook or a command may take. */
const LIMIT = 10_000;

/** Never throws: if a message could not be sent, one line on standard error says so. @param limit in milliseconds */
export async function notify(
  call: Pick<Call, "env" | "printError">,
  id: FleetId,
  event: FleetEvent,
  who: string,
  limit = LIMIT,
): Promise<void> {
  const webhook = variable(call, "NIXOS_FLEET_NOTIFY_WEBHOOK");
  const command = variable(call, "NIXOS_FLEET_NOTIFY_COMMAND");
  if (webhook === undefined && command === undefined) return;
  const text = notificationOf(id, event, who, runLink(call));
  if (text === undefined) return;
  await Promise.all([
    webhook === undefined ? undefined : tell(call, "NIXOS_FLEET_NOTIFY_WEBHOOK", () => post(webhook, text, limit)),
    command === undefined ? undefined : tell(call, "NIXOS_FLEET_NOTIFY_COMMAND", () => run(call, command, text, limit)),
  ]);
}

/** @param send returns why the message was not sent, without the address; undefined if it was */
async function tell(
  call: Pick<Call, "printError">,
  name: string,
  send: () => Promise<string | undefined>,
): Promise<void> {
  const problem = await send();
  if (problem !== undefined) call.printError(`${name}: no message was sent (${problem}); nothing else is affected`);
}

async function post(webhook: string, message: string, limit: number): Promise<string | undefined> {
  // Slack's escapes. Without them a VM's report could mention people, or show links under other words.
  const text = message.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  try {
    const response = await fetch(webhook, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ text }),
      signal: AbortSignal.timeout(limit),
    });
    await response.body?.cancel();
    return response.ok ? undefined : `HTTP ${response.status}`;
  } catch (error) {
    // Errors of fetch name the address.
    return error instanceof Error && error.name === "TimeoutError" ? "no answer in time" : "it cannot be reached";
  }
}

async function run(
  { env }: Pick<Call, "env">,
  command: string,
  text: string,
  limit: number,
): Promise<string | undefined> {
  const { exitCode, timedOut } = await execa("sh", ["-c", command], {
    ...{ input: text, stdout: "ignore", stderr: "ignore", reject: false, timeout: limit },
    ...{ env: childEnvironment("sh", env), extendEnv: false },
  });
  if (timedOut) return "it did not end in time";
  return exitCode === 0 ? undefined : `exit status ${exitCode ?? "none"}`;
}

/** The page of the CI job that this runs in. */
function runLink(call: Pick<Call, "env">): string | undefined {
  const [server, repository, run] = ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"].map((name) =>
    variable(call, name),
  );
  if (server !== undefined && repository !== undefined && run !== undefined)
    return `${server}/${repository}/actions/runs/${run}`;
  return variable(call, "CI_JOB_URL");
}
