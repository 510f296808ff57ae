/** The people who work on this machine. */
import { readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { peopleWithJobs, type Process } from "../../rules/decision/terminal-jobs";
import { entries, readText } from "./files";
import { run } from "./process";

/** People who are logged in, at a terminal, by ssh or at a desktop, and those who left a job on a terminal when they logged out. */
export async function peopleAtWork(): Promise<string[]> {
  const names = [...(await loggedIn()), ...(await Promise.all(peopleWithJobs(processes(), shells()).map(nameOf)))];
  return [...new Set(names)].sort();
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

function processes(): Process[] {
  return (entries("/proc") ?? [])
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const folder = join("/proc", pid);
      try {
        return [{ uid: statSync(folder).uid, stat: readFileSync(join(folder, "stat"), "utf8") }];
      } catch {
        // It has ended.
        return [];
      }
    });
}

/** The names of the shells that shells(5) lists, as the kernel cuts them. */
function shells(): string[] {
  const listed = (readText("/etc/shells") ?? "").split("\n").filter((line) => line.startsWith("/"));
  return ["sh", ...listed.map((path) => basename(path).slice(0, 15))];
}

async function nameOf(uid: number): Promise<string> {
  const { stdout } = await run("id", ["-nu", String(uid)], { timeout: 10_000 });
  return stdout.trim() === "" ? String(uid) : stdout.trim();
}
