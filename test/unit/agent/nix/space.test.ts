/** Room on the disk, on real small file systems, and what is said of a disk that is full, read-only, or without a file left to make. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { succeededOrFailure } from "../../../../agent/failures";
import { Mirror } from "../../../../agent/git/mirror";
import { freeMebibytes, makeRoomToFetch, pruneGenerations } from "../../../../agent/nix/space";
import { writeState, writeTrial } from "../../../../agent/state";
import { originOf } from "../git/origin";
import { Repository, Scratch } from "../scratch";
import { standInPlace } from "../stand-in-driver";

let scratch: Scratch;
const mounted: string[] = [];
beforeEach(() => {
  scratch = new Scratch();
  scratch.fake("nix-env", "true");
  scratch.fake("nix-store", `printf '%s\\n' "$*" >>${scratch.in("collected")}`);
});
afterEach(() => {
  for (const folder of mounted.splice(0)) execFileSync("umount", ["--lazy", folder]);
  scratch.remove();
});

const root = process.geteuid?.() === 0;

/** A file system of its own in the place of a folder. */
function mount(name: string, options: string): string {
  const folder = scratch.in(name);
  mkdirSync(folder, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder]);
  mounted.push(folder);
  return folder;
}

/** Disks that an agent cannot write to, and what is said of them. */
const disks: [name: string, options: string, fill: (folder: string) => void, said: string][] = [
  [
    "full",
    "size=64k",
    (folder) => execFileSync("sh", ["-c", `cat /dev/zero >${folder}/fill 2>/dev/null || true`]),
    "full",
  ],
  ["without a file left", "size=8m,nr_inodes=2", (folder) => writeFileSync(`${folder}/last`, ""), "full"],
  ["read-only", "size=8m", (folder) => execFileSync("mount", ["-o", "remount,ro", folder]), "read-only"],
];

describe.skipIf(!root)("a state folder whose disk is", () => {
  it.each(disks)("%s: a file of the agent's own says so, and is tried again", async (_, options, fill, said) => {
    const folder = mount("state", options);
    fill(folder);
    const ending = await succeededOrFailure(() => {
      writeState(folder, { revision: "a".repeat(40) }, true);
      return Promise.reject(new Error("written"));
    });
    expect(ending).toMatchObject({ outcome: "failed", stage: "fetch", cause: "space", retry: `the disk is ${said}` });
    expect(ending.error).toContain(`the disk is ${said}: `);
  });

  it.each(disks)("%s: a fetch is not taken for a network that is away", async (_, options, fill) => {
    const source = new Repository(scratch.in("origin"));
    const head = source.commit("1");
    const folder = mount("state", options);
    fill(folder);
    const fetched = new Mirror(`${folder}/mirror.git`).fetch(originOf(source.url), head);
    await expect(fetched).rejects.toMatchObject({ reason: "space" });
  });

  it("full or without a file left has no room", () => {
    expect(freeMebibytes(mount("one", "size=8m"))).toBe(8);
    const folder = mount("two", "size=8m,nr_inodes=2");
    writeFileSync(`${folder}/last`, "");
    expect(freeMebibytes(folder)).toBe(0);
  });
});

describe.skipIf(!root)("garbage is collected before a fetch", () => {
  const collected = () =>
    execFileSync("sh", ["-c", `cat ${scratch.in("collected")} 2>/dev/null || true`], { encoding: "utf8" });

  it("where the state folder has little room", async () => {
    mount("state", "size=8m");
    await makeRoomToFetch(standInPlace(scratch), { minimumFree: 1, keepGenerations: 3 }, scratch.root);
    expect(collected()).toMatch(/^--gc --max-freed \d+\n$/);
  });

  it("where the store has less than it should", async () => {
    await makeRoomToFetch(standInPlace(scratch), { minimumFree: 64, keepGenerations: 3 }, mount("store", "size=8m"));
    expect(collected()).toMatch(/^--gc --max-freed \d+\n$/);
  });

  it("and not where there is enough, or no setting asks for it", async () => {
    await makeRoomToFetch(standInPlace(scratch), { minimumFree: 1, keepGenerations: 3 }, scratch.root);
    await makeRoomToFetch(standInPlace(scratch), { minimumFree: 0, keepGenerations: 3 }, "/nowhere");
    expect(collected()).toBe("");
  });
});

describe("of a profile's generations", () => {
  const place = () => ({ ...standInPlace(scratch), profile: scratch.in("profiles/system") });
  beforeEach(() => {
    mkdirSync(scratch.in("profiles"));
    for (const number of [7, 8, 9, 10, 11, 12])
      symlinkSync(`/nix/store/${number}`, scratch.in(`profiles/system-${number}-link`));
    scratch.fake("nix-env", `printf '%s' "\${*:3}" >${scratch.in("dropped")}`);
  });

  /** The arguments that nix-env gets. */
  async function dropped(current: number, keep: number): Promise<string> {
    symlinkSync(`system-${current}-link`, place().profile);
    await pruneGenerations(place(), keep);
    return existsSync(scratch.in("dropped")) ? readFileSync(scratch.in("dropped"), "utf8") : "";
  }

  it("the newest are kept", async () => {
    expect(await dropped(12, 4)).toBe("--delete-generations 7 8");
  });

  it("all are kept where there are no more, or where the setting is 0", async () => {
    expect(await dropped(12, 6)).toBe("");
    await pruneGenerations(place(), 0);
    expect(existsSync(scratch.in("dropped"))).toBe(false);
  });

  it("the one that a rollback made current again is kept", async () => {
    expect(await dropped(7, 4)).toBe("--delete-generations 8");
  });

  it("those are kept that an activation which waits for its boot may go back to", async () => {
    writeTrial(scratch.in("state"), {
      ...{ path: "/nix/store/12", revision: "a".repeat(40), lock: "", mode: "boot", boot: "1" },
      ...{ former: "/nix/store/8", restores: { deployed: "/nix/store/7" }, before: { failed: [], reached: {} } },
    });
    expect(await dropped(12, 2)).toBe("--delete-generations 9 10");
  });
});

it("an error of a file that has nothing to do with the disk is not called one", async () => {
  const ending = await succeededOrFailure(() => {
    writeState(scratch.in("nowhere"), {}, true);
    return Promise.reject(new Error("written"));
  });
  expect(ending).toMatchObject({ outcome: "failed", cause: "unknown", unrecognised: {} });
  expect(ending.error).toContain("ENOENT");
});
