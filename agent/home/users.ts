/** People's accounts, as root sees them. Calls to anything that a user controls (a home, a manager) always have a time limit. */
import { userNamePattern } from "../../rules/instance-metadata";
import { run, succeeded } from "../host/process";

export interface Account {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

const TIMEOUT = 10_000;

export const isUserName = (name: string): boolean => userNamePattern.test(name);

/** The account; `undefined` if there is none yet. With OS Login the account may exist long before the home does. */
export async function accountOf(name: string): Promise<Account | undefined> {
  if (!isUserName(name)) return undefined;
  const finished = await run("getent", ["passwd", name], { timeout: TIMEOUT });
  const [, , uid, gid, , home] = finished.stdout.trim().split(":");
  if (!succeeded(finished) || uid === undefined || gid === undefined || home === undefined) return undefined;
  return { name, uid: Number(uid), gid: Number(gid), home };
}

/** The name of the user with this id; `undefined` if there is none, or no answer. */
export async function userNameOf(uid: number): Promise<string | undefined> {
  const { stdout } = await run("id", ["--name", "--user", String(uid)], { timeout: 5000 });
  return stdout.trim() || undefined;
}

/** Runs a command as the user. Of root's environment only PATH is passed on. */
export function asUser({ uid, gid, name }: Account, command: readonly string[]) {
  const args = [`--reuid=${uid}`, `--regid=${gid}`, "--init-groups", "--", ...command];
  return run("setpriv", args, {
    cleanEnv: true,
    env: { PATH: process.env["PATH"] ?? "", USER: name },
    cwd: "/",
    timeout: TIMEOUT,
    grace: 1000,
    keep: 200_000,
  });
}

/** Whether the home exists: the first login may make it. */
export async function hasHome(account: Account | undefined): Promise<boolean> {
  return account !== undefined && succeeded(await run("test", ["-d", account.home], { timeout: TIMEOUT }));
}
