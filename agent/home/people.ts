/** The people who work on this machine. */
import { basename } from "node:path";
import { peopleWithJobs } from "../../rules/decision/terminal-jobs";
import { readText } from "../host/files";
import { run } from "../host/process";
import { processes, processStat } from "../host/processes";
import { userNameOf } from "./users";

/** People who are logged in, at a terminal, by ssh or at a desktop, and those who left a job on a terminal when they logged out. */
export async function peopleAtWork(): Promise<string[]> {
  const running = processes((pid, uid) => ({ uid, ...processStat(pid) }));
  const busy = peopleWithJobs(running, shells()).map(async (uid) => (await userNameOf(uid)) ?? String(uid));
  return [...new Set([...(await loggedIn()), ...(await Promise.all(busy))])].sort();
}

/** Lingering managers do not count. */
async function loggedIn(): Promise<string[]> {
  const listed = await run("loginctl", ["list-sessions", "--no-legend"], { timeout: 30_000 });
  const sessions = listed.stdout.split("\n").flatMap((line) => /^\s*(\S+)/.exec(line)?.[1] ?? []);
  const users = await Promise.all(sessions.map(userOf));
  return users.flatMap((user) => user ?? []);
}

async function userOf(session: string): Promise<string | undefined> {
  const properties = ["--property=Class", "--property=Name", "--property=State"];
  const { stdout } = await run("loginctl", ["show-session", session, ...properties], { timeout: 30_000 });
  if (!/^Class=user$/m.test(stdout) || /^State=closing$/m.test(stdout)) return undefined;
  return /^Name=(.+)$/m.exec(stdout)?.[1];
}

/** The names of the shells that shells(5) lists, as the kernel cuts them. */
function shells(): string[] {
  const listed = (readText("/etc/shells") ?? "").split("\n").filter((line) => line.startsWith("/"));
  return ["sh", ...listed.map((path) => basename(path).slice(0, 15))];
}
