/** For whom the agent enables and disables lingering. loginctl is a stand-in that keeps logind's files. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { enableLingering, endLingering } from "../../../agent/home/lingering";
import { Scratch } from "./scratch";

let scratch: Scratch;
const folder = () => scratch.in("linger");
const lingers = () => readdirSync(folder()).sort();

beforeEach(() => {
  scratch = new Scratch();
  mkdirSync(folder());
  scratch.fake(
    "loginctl",
    `case "$1 $2" in
      *-linger\\ gone) exit 1 ;;
      enable-linger*) touch ${folder()}/$2 ;;
      disable-linger*) rm ${folder()}/$2 ;;
      list-users*) cat ${scratch.in("users")} ;;
      *) exit 1 ;;
    esac`,
  );
  scratch.fake("systemctl", `echo "$*" >>${scratch.in("did")}`);
  scratch.fake("id", `case $3 in 1002) echo bob ;; *) exit 1 ;; esac`);
  writeFileSync(scratch.in("users"), "");
  writeFileSync(scratch.in("did"), "");
});
afterEach(() => scratch.remove());

const enable = (user: string) => enableLingering(user, scratch.in("state"), folder());
const end = (...homes: string[]) => endLingering(homes, scratch.in("state"), folder());

it("ends with the home, for those alone for whom the agent enabled it", async () => {
  writeFileSync(scratch.in("linger/carol"), "");
  for (const user of ["alice", "bob", "carol"]) await enable(user);
  expect(lingers()).toEqual(["alice", "bob", "carol"]);

  await end("alice", "bob", "carol");
  expect(lingers()).toEqual(["alice", "bob", "carol"]);
  await end("bob");
  expect(lingers()).toEqual(["bob", "carol"]);

  // What alice enables herself from now on is hers.
  writeFileSync(scratch.in("linger/alice"), "");
  await end("bob");
  expect(lingers()).toEqual(["alice", "bob", "carol"]);
});

it("that an older agent enabled, which left no marks, ends with the home too", async () => {
  for (const user of ["alice", "carol"]) writeFileSync(scratch.in(`linger/${user}`), "");
  await end("alice");
  expect(lingers()).toEqual(["alice", "carol"]);
  await end();
  expect(lingers()).toEqual(["carol"]);
});

it("ends where the account is gone", async () => {
  mkdirSync(scratch.in("state/lingering"));
  for (const file of ["state/lingering/gone", "linger/gone"]) writeFileSync(scratch.in(file), "");
  await end();
  expect(lingers()).toEqual([]);
  expect(existsSync(scratch.in("state/lingering/gone"))).toBe(false);
});

it.each([
  ["are stopped where the account is gone", "1001 gone yes lingering", "stop --no-block user@1001.service\n"],
  ["go on while a session of theirs is open", "1001 gone yes active", ""],
  ["go on where their number is another account's by now", "1002 gone yes lingering", ""],
  ["are no one else's", "1003 carol yes lingering", ""],
  ["go on where logind does not say whether they have a session", "1001 gone", ""],
])("units %s", async (_, users, did) => {
  mkdirSync(scratch.in("state/lingering"));
  for (const file of ["state/lingering/gone", "linger/gone"]) writeFileSync(scratch.in(file), "");
  writeFileSync(scratch.in("users"), `      0 root no active\n   ${users}\n`);
  await end();
  expect(lingers()).toEqual([]);
  expect(readFileSync(scratch.in("did"), "utf8")).toBe(did);
});

it("is not remembered where logind does not enable it", async () => {
  await enable("gone");
  expect(existsSync(scratch.in("state/lingering"))).toBe(false);
});
