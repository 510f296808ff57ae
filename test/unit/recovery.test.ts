/** docs/recovery.md: each state that it lists has a test that brings it about and does what the row says. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";

const root = resolve(__dirname, "../..");
const text = (name: string) => readFileSync(join(root, name), "utf8");

type Test = readonly [file: string, title: string];
const rollout = (title: string): Test => ["test/program/rollout.test.ts", title];
const trouble = (title: string): Test => ["test/program/rollout-trouble.test.ts", title];
const refused = (title: string): Test => ["test/program/refused.test.ts", title];
const byHand = rollout("by hand: fleet rollback is not fought by a later up, and retry takes it back");

/** By how "what you see" begins. */
const tests: Readonly<Record<string, readonly Test[]>> = {
  "`pulumi up` fails: a wave's gate": [
    rollout("is held, and boots, a refresh and another up change nothing; a fix goes to all"),
    trouble("fails for a VM that goes silent, by name, and passes once it answers"),
  ],
  "`nothing proved …`": [["test/program/proof.test.ts", "because it is switched off"]],
  "Google refused to write an approval": [rollout("that could not be written says how to go on")],
  "Google refused to change who may log in": [
    refused("makes a change of access that was refused, so that a person who left cannot log in"),
  ],
  "`Error deleting instance": [refused("takes a VM from the stack that was deleted by hand before")],
  "Google refused another change": [refused("says of another change that was refused how it is made")],
  "`Labels fingerprint": [refused("says of a VM whose labels another tool has changed how its own are changed")],
  "a VM is off after an update": [refused("says of a VM that could not be started again that it ran")],
  "the gate was killed": [trouble("goes on after its gate was killed, and no later wave moved meanwhile")],
  "`the stack is currently locked`": [
    trouble("goes on after pulumi was killed: pulumi cancel takes the lock that it left"),
  ],
  "`already exists` (HTTP 409)": [
    ["test/program/unfinished.test.ts", "creates a VM that pulumi was killed at, after the unfinished one was deleted"],
    ["test/program/unfinished.test.ts", "keeps an approval that pulumi was killed at"],
  ],
  "VMs `failed, fetch`": [
    ["test/agents/keys.test.ts", "that refuse the key are reported as such, and gone back to once they take it"],
    ["test/program/keys.test.ts", "are rotated without touching a VM: the next version comes before the former goes"],
  ],
  "`no branch contains …`": [
    ["test/unit/agent/git/mirror.test.ts", "refuses a revision that no branch contains, again and also if it has it"],
    ["test/unit/infra/first-boot.test.ts", "refuses a revision of a pull request, which no branch contains"],
  ],
  "VMs `failed, verify`": [
    ["test/agents/startup.test.ts", "refuses a commit that no signer signed, and takes one that a signer did"],
    ["test/faults/kinds/network.ts", "history that was rewritten"],
    ["test/unit/agent/git/verify.test.ts", "is refused, unless that very revision is approved"],
  ],
  "VMs `failed, build`": [["test/faults/kinds/revisions.ts", "revision whose health check fails"], byHand],
  "every VM runs a bad revision": [byHand],
  "VMs are `held`": [["test/program/proof.test.ts", "because a person holds it"]],
  "a VM is `unknown`": [
    ["test/agents/startup.test.ts", "says in one line that there is no git to be had, and goes on once there is one"],
  ],
  "a VM is missing": [
    ["test/e2e/rollouts.ts", "creates the deleted VM again, at what its wave is approved for"],
    ["test/program/data-loss.test.ts", "comes back with its VM, and with the stack"],
  ],
  "a home disk was detached": [
    [
      "test/program/disks.test.ts",
      "are attached to running VMs, grow with them, are left when they are no longer asked for, and taken again",
    ],
  ],
  "a home is lost": [["test/e2e/leavers.test.ts", "loses a file, and has it back after the lines of the guide"]],
  "Pulumi's state is lost": [
    trouble("has Pulumi's state again from an older version of its file, and an update moves no VM"),
  ],
  "the config repository is lost": [
    trouble("has its config repository again from a clone, and an update changes nothing"),
  ],
  "an approval or the control item": [trouble("has what someone edited by hand in the metadata again")],
  "the tool cannot reach Google": [
    ["test/unit/cli/wrong-uses.test.ts", "checks project and rights"],
    ["test/unit/cli/doctor/fleet-doctor.test.ts", "says in one line that the API refuses"],
  ],
};

/** Nothing here can bring it about: the local cloud's machines have no boot loader. */
const untried = "a VM does not come up after a reboot";

const states = [...text("docs/recovery.md").matchAll(/^\| (?!what you see|---)([^|]+) \|/gm)].map(
  ([, state = ""]) => state,
);

it("lists states of which each is tried", () => {
  const known = [...Object.keys(tests), untried];
  expect(states.map((state) => known.find((one) => state.startsWith(one)) ?? state).sort()).toEqual(known.sort());
});

it.each(Object.entries(tests))("%s: its tests are there", (_, all) => {
  for (const [file, title] of all) expect(text(file)).toContain(title);
});

it("says what each of its commands is", () => {
  const rows = text("docs/recovery.md")
    .split("\n")
    .filter((line) => line.startsWith("| "));
  for (const row of rows) expect(row.split(" | "), row).toHaveLength(3);
});
