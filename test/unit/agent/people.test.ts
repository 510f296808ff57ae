/** The people who work on a machine, as logind lists them, and what counts if logind does not answer. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { decideReboot } from "../../../agent/activation/reboot";
import { peopleAtWork } from "../../../agent/home/people";
import { Scratch } from "./scratch";

const UNKNOWN = "someone (logind does not answer)";

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
});
afterEach(() => {
  delete process.env["NIXOS_AUTO_UPDATE_LOGIND_TIMEOUT"];
  scratch.remove();
});

/** A logind with these sessions, and what it prints about each. */
const logind = (sessions: string, shows: string) =>
  scratch.fake("loginctl", `case $1 in list-sessions) ${sessions} ;; show-session) ${shows} ;; esac`);
const about = (session: string) => `[ $2 = ${session} ] && printf 'Class=user\\nName=dev\\nState=active\\n'`;

it("are the users of sessions that are a person's", async () => {
  logind("printf '1 0 root\\n2 1000 dev\\n'", "printf 'Class=manager\\nName=root\\n'");
  expect(await peopleAtWork()).not.toContain("root");
  logind("printf '1 0 root\\n2 1000 dev\\n'", `${about("2")} || printf 'Class=manager\\nName=root\\n'`);
  expect(await peopleAtWork()).toContain("dev");
});

it.each(["user-early", "user-incomplete", "user-light"])("are in a session of the class %s, too", async (kind) => {
  logind("printf '1 0 root\\n'", `printf 'Class=${kind}\\nName=root\\nState=active\\n'`);
  expect(await peopleAtWork()).toContain("root");
});

it("are unknown where logind does not say of a session what it is", async () => {
  logind("printf '1 0 dev\\n2 1000 dev\\n'", `${about("2")} || exit 1`);
  expect(await peopleAtWork()).toEqual(expect.arrayContaining(["dev", UNKNOWN]));
});

it("are not in a session that has ended meanwhile", async () => {
  const listed = scratch.in("listed");
  logind(`echo '2 1000 dev'; [ -e ${listed} ] || echo '1 0 dev'; touch ${listed}`, `${about("2")} || exit 1`);
  const people = await peopleAtWork();
  expect(people).toContain("dev");
  expect(people).not.toContain(UNKNOWN);
});

describe.each([
  ["refuses", "exit 1"],
  ["does not answer in time", "exec sleep 60"],
  ["dies half way", "echo '1 0 dev'; kill -9 $$"],
])("where logind %s", (_, text) => {
  it("someone may be logged in, and a reboot waits until its deadline", async () => {
    process.env["NIXOS_AUTO_UPDATE_LOGIND_TIMEOUT"] = "1";
    scratch.fake("loginctl", text);
    expect(await peopleAtWork()).toContain(UNKNOWN);
    const settings = { allowReboot: true };
    const place = { runFolder: scratch.in("run"), deployedSettings: {}, settings, trial: undefined, urgent: false };
    expect(await decideReboot(place, true)).toMatchObject({ action: "wait", waiting: { for: "users" } });
    const soon = { ...place, settings: { ...settings, rebootDeadline: 0 } };
    expect(await decideReboot(soon, true)).toMatchObject({ action: "reboot", minutes: 15 });
  });
});
