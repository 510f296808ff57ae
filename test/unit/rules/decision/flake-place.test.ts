/** A flake in a folder of its repository: what decides by it, and what names it. */
import { describe, expect, it } from "vitest";
import { builtAs, flakeFile, flakeQuery } from "../../../../rules/decision/flake-place";
import { decideHome } from "../../../../rules/decision/decide-home";
import { decideSystem, type SystemInput } from "../../../../rules/decision/decide-system";
import { readMetadata } from "../../../../rules/metadata";

const revision = "a".repeat(40);
const repository = "https://git.example.org/config.git";

it.each([
  [undefined, "flake.lock", "", "dev-alice"],
  ["", "flake.lock", "", "dev-alice"],
  ["infra/nixos", "infra/nixos/flake.lock", "&dir=infra%2Fnixos", "infra/nixos#dev-alice"],
])("names the flake in %j", (folder, file, query, built) => {
  expect([flakeFile(folder, "flake.lock"), flakeQuery(folder), builtAs(folder, "dev-alice")]).toEqual([
    file,
    query,
    built,
  ]);
});

describe("a machine", () => {
  /** What it decides where its metadata and its wave's approval name these folders. */
  function decide(written: string | undefined, approved: string | undefined, more: Partial<SystemInput> = {}) {
    const instance = {
      fleet: "devs",
      stack: "dev",
      host: "dev-alice",
      wave: "canary",
      repository,
      subdirectory: written,
    };
    const approval = { revision, lock: "b".repeat(64), repository, branch: "main", subdirectory: approved };
    return decideSystem({
      metadata: readMetadata(
        {
          attributes: {
            status: 200,
            body: JSON.stringify({ "nixos-fleet--devs--dev--canary": JSON.stringify(approval) }),
          },
          name: { status: 200, body: "dev-alice" },
          instance: { status: 200, body: JSON.stringify(instance) },
        },
        true,
      ),
      ...{ joined: true, hostname: "localhost", settings: {}, state: {}, localHold: null, right: "approved" },
      ...{ force: false, drifted: false, ...more },
    });
  }

  it("goes to what is approved of the folder that its metadata names", () => {
    expect(decide("nixos", "nixos")).toMatchObject({ action: "update", settings: { subdirectory: "nixos" } });
    expect(decide(undefined, undefined)).toMatchObject({ action: "update" });
  });

  it.each([
    [
      "nixos",
      undefined,
      "the approval is for the flake in the repository's top, and this VM's metadata still says nixos",
    ],
    [
      undefined,
      "nixos",
      "the approval is for the flake in nixos, and this VM's metadata still says the repository's top",
    ],
    ["nixos", "infra", "the approval is for the flake in infra, and this VM's metadata still says nixos"],
  ])("waits where its metadata say %j and the approval %j", (written, approved, reason) => {
    expect(decide(written, approved)).toMatchObject({ action: "stay", reason, waiting: { for: "metadata" } });
  });

  it("builds the same revision again where the folder has changed", () => {
    const state = { revision, repository, attribute: "dev-alice", approved: revision };
    expect(decide("nixos", "nixos", { state, descends: false })).toMatchObject({
      action: "update",
      reason: expect.stringContaining("it was built as dev-alice, and is nixos#dev-alice now") as string,
    });
    const same = { ...state, attribute: "nixos#dev-alice" };
    expect(decide("nixos", "nixos", { state: same })).toMatchObject({ outcome: "unchanged" });
  });

  it("goes by its module where no metadata say anything", () => {
    const none = { metadata: { kind: "none" as const }, right: "head" as const, joined: false };
    const settings = { repository, subdirectory: "nixos" };
    expect(decide(undefined, undefined, { ...none, settings })).toMatchObject({ settings: { subdirectory: "nixos" } });
  });
});

describe("a home", () => {
  const homes = { revision, lock: "b".repeat(64), mirror: "/var/lib/mirror.git", subdirectory: "nixos" };
  const decide = (settings: object) =>
    decideHome({
      ...{ user: "alice", homes, settings, state: {}, localHold: null, alone: false },
      ...{ right: "head", force: false, drifted: false },
    });

  it("of the machine's repository is in the same flake", () => {
    expect(decide({}).settings).toMatchObject({ attribute: "alice", subdirectory: "nixos" });
  });

  it("with a repository of its own is in the flake at that one's top", () => {
    expect(decide({ repository: "https://git.example.org/alice.git" }).settings.subdirectory).toBeUndefined();
  });
});
