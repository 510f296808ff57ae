/** The watcher: what it compares with, and when it asks for an update. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { Bench } from "./bash";
import { A, approve, B, control } from "./decide-cases";

let bench: Bench;
beforeEach(() => (bench = new Bench()));
afterEach(() => bench.remove());

const item = JSON.stringify({ fleet: "devs", stack: "dev", host: "dev-alice", wave: "rest", repository: "git://x/y" });

/** What the metadata server answers while these are the project's attributes. */
const told = (attributes: object) => [JSON.stringify(attributes), "200", "dev-alice", "200", item, "200"].join("\n");

/** Lets a watcher see these answers, one after the other, and be ended then; what it asked for. */
function watch(...answers: object[]): string[] {
  const texts = answers.map((attributes) => `'${told(attributes)}'`).join(" ");
  const { stdout, stderr } = bench.run(
    ["log", "files", "metadata", "watch"],
    `answers=(${texts}) next=0
    next_answer() { ((next < \${#answers[@]})) || exit 0; etag=$next about=\${answers[next++]} seen=$(projection "$about"); }
    resume_requests() { :; }; arm_publishers() { :; }; tell_alive() { :; }; start_until_taken() { :; }
    ask() { request=none; echo "$2"; }
    watch`,
  );
  expect(stderr).not.toMatch(/error|not found/);
  return stdout.split("\n").filter((line) => line !== "");
}

const approval = (revision: string) => `the watcher (approval of ${revision.slice(0, 7)})`;

it("compares with its first answer after a boot, and so asks for nothing that stood there before", () => {
  expect(watch(approve({ rest: A }), approve({ rest: A }))).toEqual([]);
});

it("asks once when its approval changes, also back", () => {
  const answers = [A, B, B, A].map((revision) => approve({ rest: revision }));
  expect(watch(...answers)).toEqual([approval(B), approval(A)]);
});

it("asks for nothing that is about another wave", () => {
  expect(watch(approve({ rest: A }), approve({ rest: A, canary: B }))).toEqual([]);
});

it("asks when something of the control item is about its machine", () => {
  const held = control({ holds: [{ scope: "vm:dev-alice", by: "ann", why: "demo", at: "now" }] });
  const other = control({ holds: [{ scope: "vm:dev-bob", by: "ann", why: "demo", at: "now" }] });
  const approved = approve({ rest: A });
  expect(watch(approved, { ...approved, ...other }, { ...approved, ...held })).toEqual(["the watcher (control item)"]);
});

it("misses nothing that changes while it is started anew", () => {
  watch(approve({ rest: A }));
  expect(watch(approve({ rest: B }))).toEqual([approval(B)]);
});
