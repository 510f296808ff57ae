/** The system's decision by where a revision comes from: the branch, an approval's own source, another host, a fleet that was left. */
import { expect } from "vitest";
import { A, approve, B, C, lock, runs, type Table, written } from "./decision/cases";

const approved = (about: object) => written("rest", JSON.stringify({ revision: B, lock, ...about }));
const says = (text: string) => expect.stringContaining(text) as string;
/** A machine whose metadata has no item, and whose module says where it belongs. */
const alone = { instance: null, settings: { repository: "git://x/y", host: "laptop" }, state: runs(A), head: B };

export const sourceTable: Record<string, Table> = {
  "an approval that the VM has acted on": [
    [
      "leads a run to the branch's head that may go there",
      { attributes: approve({ rest: A }), state: runs(A), head: B },
      { action: "update", target: { revision: B, source: "branch" } },
    ],
    [
      "leads no other run there",
      { attributes: approve({ rest: A }), state: runs(A), right: "approved", head: B },
      { action: "stay", outcome: "unchanged", target: { revision: A } },
    ],
  ],
  "an approval for another source": [
    [
      "waits where the repository is another",
      { attributes: approved({ repository: "git://x/other", branch: "main" }), state: runs(A) },
      { action: "stay", approved: A, waiting: { for: "metadata" }, reason: says("still says git://x/y") },
    ],
    [
      "waits where the branch is another",
      { attributes: approved({ repository: "git://x/y", branch: "next" }), state: runs(A) },
      { action: "stay", approved: A, waiting: { for: "metadata" }, reason: says("still says main") },
    ],
    [
      "waits where the flake's folder is another",
      { attributes: approved({ repository: "git://x/y", branch: "main", subdirectory: "infra" }), state: runs(A) },
      { action: "stay", approved: A, waiting: { for: "metadata" }, reason: says("still says the repository's top") },
    ],
    [
      "is acted on once they agree",
      {
        instance: { repository: "git://x/other", branch: "next", subdirectory: "infra" },
        attributes: approved({ repository: "git://x/other", branch: "next", subdirectory: "infra" }),
        state: runs(A),
      },
      { action: "update", approved: B, target: { revision: B } },
    ],
  ],
  "what is deployed": [
    [
      "is built again for another host",
      { attributes: approve({ rest: B }), state: { ...runs(B), attribute: "other" }, right: "approved" },
      { action: "update", target: { revision: B }, reason: says("it was built as other, and is dev-alice now") },
    ],
    [
      "is built again from another repository",
      { attributes: approve({ rest: B }), state: { ...runs(B), repository: "git://x/old" }, right: "approved" },
      { action: "update", target: { revision: B, explicit: true }, reason: says("it came from git://x/old") },
    ],
    [
      "is left as it is where both are the same",
      {
        attributes: approve({ rest: B }),
        state: { ...runs(B), attribute: "dev-alice", repository: "git://x/y" },
        right: "approved",
      },
      { action: "stay", outcome: "unchanged" },
    ],
  ],
  "a VM that left its fleet": [
    [
      "stays where it is",
      { ...alone, joined: true },
      { action: "stay", outcome: "deferred", reason: says("left its fleet") },
    ],
    [
      "goes on where a person forces it",
      { ...alone, joined: true, force: true },
      { action: "update", target: { revision: B } },
    ],
    ["goes where a person says", { ...alone, joined: true, wanted: C }, { action: "update", target: { revision: C } }],
    ["is none that was never in one", alone, { action: "update", target: { revision: B } }],
  ],
};
