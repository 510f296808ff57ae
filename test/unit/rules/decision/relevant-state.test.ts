/** What of a project's metadata a VM's watcher acts on. */
import { describe, expect, it } from "vitest";
import { readMetadata } from "../../../../rules/metadata";
import { changeOf, relevantState } from "../../../../rules/decision/relevant-state";
import { A, approve, B, control } from "./cases";

/** @param more of the VM's own item */
function seen(attributes: object, wave = "rest", more: object = {}) {
  const metadata = readMetadata(
    {
      attributes: { status: 200, body: JSON.stringify(attributes) },
      name: { status: 200, body: "dev-alice" },
      instance: { status: 200, body: JSON.stringify({ fleet: "devs", stack: "dev", wave, ...more }) },
    },
    true,
  );
  if (metadata.kind !== "present") throw new Error(metadata.kind);
  return relevantState(metadata);
}
const approved = approve({ rest: A });
const hold = (about: object) => control({ holds: [{ by: "ann", why: "demo", at: "2026-01-01T00:00:00Z", ...about }] });

describe("the watcher", () => {
  it.each([
    ["its approval", approve({ rest: B }), `approval of ${B.slice(0, 7)}`],
    ["its approval's going", {}, "control item"],
    ["a hold on it", { ...approved, ...hold({ scope: "wave:rest" }) }, "control item"],
    ["its pin", { ...approved, ...control({ pins: { "dev-alice": B } }) }, "control item"],
    ["an undo in its wave", { ...approved, ...control({ instead: { rest: { [A]: B } } }) }, "control item"],
    ["a retry", { ...approved, ...control({ retry: [A] }) }, "control item"],
    ["a control item that cannot be read", { ...approved, ...control("{") }, "control item"],
  ])("sees %s", (_, attributes, change) => {
    expect(changeOf(seen(approved), seen(attributes))).toBe(change);
  });

  it("sees that it is in another wave, whose approval is the same", () => {
    const both = approve({ rest: A, canary: A });
    expect(changeOf(seen(both), seen(both, "canary"))).toBe("wave canary");
  });

  const own = { host: "dev", repository: "https://git.example.com/x", branch: "main", homes: [] };
  it.each([
    ["homes", { homes: [{ user: "alice", attribute: "alice" }] }],
    ["a home", { homes: [{ user: "alice", attribute: "other" }] }, { homes: [{ user: "alice", attribute: "alice" }] }],
    ["host", { host: "other" }],
    ["repository", { repository: "https://git.example.com/y" }],
    ["branch", { branch: "next" }],
    ["subdirectory", { subdirectory: "nix" }],
  ])("sees another %s in its VM's own item", (_, changed, before: object = {}) => {
    const [former, now] = [
      { ...own, ...before },
      { ...own, ...changed },
    ].map((item) => seen(approved, "rest", item));
    expect(changeOf(former ?? null, now ?? null)).toBe("this VM's own metadata");
    expect(changeOf(now ?? null, now ?? null)).toBeUndefined();
  });

  it("does not act on its VM's own item if an older agent did not remember it", () => {
    const { item: _, ...older } = seen(approved) ?? expect.fail();
    expect(changeOf(older, seen(approved, "rest", own))).toBeUndefined();
    expect(changeOf(older, seen(approve({ rest: B }), "rest", own))).toBe(`approval of ${B.slice(0, 7)}`);
  });

  it("sees that its VM left the fleet", () => {
    expect(changeOf(seen(approved), relevantState({ kind: "absent", vm: "dev-alice" }))).toBe("no fleet any more");
  });

  it.each([
    ["another wave's approval", approve({ rest: A, canary: B })],
    ["a hold on another machine", { ...approved, ...hold({ scope: "vm:dev-bob" }) }],
    ["a hold that lapsed", { ...approved, ...hold({ scope: "wave:rest", revision: B }) }],
    ["another machine's pin", { ...approved, ...control({ pins: { "dev-bob": B } }) }],
    ["an undo in another wave", { ...approved, ...control({ instead: { canary: { [A]: B } } }) }],
    ["other metadata", { ...approved, "ssh-keys": "x" }],
  ])("does not act on %s", (_, attributes) => {
    expect(changeOf(seen(approved), seen(attributes))).toBeUndefined();
  });
});
