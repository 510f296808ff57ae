/** The people who work on this machine. */
import { basename } from "node:path";
import { peopleWithJobs } from "../../rules/decision/terminal-jobs";
import { readText } from "../host/files";
import { run, succeeded } from "../host/process";
import { processes, processStat } from "../host/processes";
import { secondsFrom } from "../host/time";
import { userNameOf } from "./users";

/** People who are logged in, at a terminal, by ssh or at a desktop, and those who left a job on a terminal when they logged out. */
export async function peopleAtWork(): Promise<string[]> {
  const running = processes((pid, uid) => ({ uid, ...processStat(pid) }));
  const busy = peopleWithJobs(running, shells()).map(async (uid) => (await userNameOf(uid)) ?? String(uid));
  return [...new Set([...(await loggedIn()), ...(await Promise.all(busy))])].sort();
}

/** Stands for the people who may be logged in. */
const SOMEONE = "someone (logind does not answer)";

/** Lingering managers do not count. */
async function loggedIn(): Promise<string[]> {
  const sessions = await listSessions();
  if (sessions === undefined) return [SOMEONE];
  const users = await Promise.all(sessions.map(userOf));
  return users.flatMap((user) => user ?? []);
}

/** @returns `undefined` if logind does not answer */
async function listSessions(): Promise<string[] | undefined> {
  const listed = await loginctl("list-sessions", "--no-legend");
  return listed?.split("\n").flatMap((line) => /^\s*(\S+)/.exec(line)?.[1] ?? []);
}

/** The person whose session it is; `undefined` if it is no person's or has ended. */
async function userOf(session: string): Promise<string | undefined> {
  const shown = await loginctl("show-session", session, "--property=Class", "--property=Name", "--property=State");
  if (shown === undefined) return ((await listSessions()) ?? [session]).includes(session) ? SOMEONE : undefined;
  // pam_systemd(8): `user`, and its variants such as `user-early`, which root's sessions have since systemd 256.
  if (!/^Class=user(-.*)?$/m.test(shown) || /^State=closing$/m.test(shown)) return undefined;
  return /^Name=(.+)$/m.exec(shown)?.[1];
}

/** What loginctl printed; `undefined` if logind does not answer. */
async function loginctl(...args: string[]): Promise<string | undefined> {
  const finished = await run("loginctl", args, { timeout: secondsFrom("NIXOS_AUTO_UPDATE_LOGIND_TIMEOUT", 30) });
  return succeeded(finished) ? finished.stdout : undefined;
}

/** The names of the shells that shells(5) lists, as the kernel cuts them. */
function shells(): string[] {
  const listed = (readText("/etc/shells") ?? "").split("\n").filter((line) => line.startsWith("/"));
  return ["sh", ...listed.map((path) => basename(path).slice(0, 15))];
}
