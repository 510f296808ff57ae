/** A build that fails: whether its revision is refused or tried again. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UpdateFailure } from "../../../../agent/driver";
import { succeededOrFailure } from "../../../../agent/failures";
import { build } from "../../../../agent/nix/nix";
import { isOffline } from "../../../../agent/ending";
import { B } from "../../rules/decision/cases";
import { normalisedFailure } from "../../../../rules/decision/repeated-failure";
import { patience } from "../../../setup/pace";
import { Scratch } from "../scratch";

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
  scratch.fake("nix", "echo /nix/store/x.drv");
});
afterEach(() => {
  delete process.env["NIXOS_AUTO_UPDATE_BUILD_TIMEOUT"];
  scratch.remove();
});

const says = (text: string, end: string) => `cat <<'END' >&2\n${text}\nEND\n${end}`;

/** What a run ends with whose build comes to this. */
async function end() {
  const steps = async () => {
    await build("x", scratch.in("built"));
    throw new Error("it was built");
  };
  const ending = await succeededOrFailure(steps, () => B);
  return {
    outcome: ending.outcome,
    stage: ending.stage,
    refused: ending.refuse === B,
    retried: ending.retry !== undefined,
    offline: isOffline(ending),
  };
}

const UNLOCKED =
  "error: flake 'git+file:///x' requires lock file changes but they're not allowed due to '--no-update-lock-file'";
const refused = { outcome: "failed", stage: "build", refused: true, retried: false, offline: false };
const retried = { ...refused, refused: false, retried: true };

it("an evaluation that fails is refused from then on", async () => {
  scratch.fake("nix", says("error: undefined variable 'x'", "exit 1"));
  expect(await end()).toEqual(refused);
});

it("an evaluation changes no lock: what an input would be is for the lock alone to say", async () => {
  scratch.fake("nix", `printf '%s\\n' "$@" >${scratch.in("said")}; ${says(UNLOCKED, "exit 1")}`);
  expect(await end()).toEqual(refused);
  const args = readFileSync(scratch.in("said"), "utf8").trim().split("\n");
  expect(args).toContain("--no-update-lock-file");
  // It would make Nix look up what the lock does not have.
  expect(args).not.toContain("--no-write-lock-file");
  const error: unknown = await build("x", scratch.in("built")).catch((failure: unknown) => failure);
  expect((error as Error).message).toMatch(/run `nix flake lock`, commit and push$/);
});

it("an evaluation that a server kept from its inputs is tried again", async () => {
  scratch.fake("nix", says("error: unable to download 'https://x/y.tar.gz': HTTP error 503", "exit 1"));
  expect(await end()).toEqual({ ...retried, offline: true });
});

describe("Nix's cache", () => {
  const cache = () => scratch.in("state/nix-cache");
  const clone = () => join(cache(), "nix/gitv3/clone");
  const builds = () => build("x", scratch.in("built"), { cache: cache() }).catch((error: unknown) => error);
  const damage = "error: getting Git object '3613d2b': failed to parse loose object: invalid header";

  beforeEach(() => {
    mkdirSync(join(clone(), ".."), { recursive: true });
    writeFileSync(clone(), "damaged");
    scratch.fake("nix-store", `ln -s ${scratch.root} "\${@: -1}"`);
  });

  /** A nix that says this as long as there is the clone in its cache. */
  const damaged = (text: string) =>
    scratch.fake(
      "nix",
      `echo x >>${scratch.in("tries")}; [ ! -e "$XDG_CACHE_HOME/nix/gitv3/clone" ] || { ${says(text, "exit 1")}\n}; echo /nix/store/x.drv`,
    );
  const tries = () => readFileSync(scratch.in("tries"), "utf8").length / 2;

  it("is the agent's own, and is deleted if a repository in it is damaged", async () => {
    damaged(damage);
    expect(await builds()).toBe(scratch.root);
    expect(tries()).toBe(2);
    expect(existsSync(clone())).toBe(false);
  });

  it.each([true, false])(
    "has clones of private inputs, and is open to its owner alone; is there: %s",
    async (isThere) => {
      if (!isThere) rmSync(cache(), { recursive: true });
      scratch.fake("nix", `mkdir -p "$XDG_CACHE_HOME/nix"; stat -c %a "$XDG_CACHE_HOME" >&2; echo /nix/store/x.drv`);
      await builds();
      expect(scratch.log).toContain("700\n");
    },
  );

  it("is kept if the revision is at fault", async () => {
    damaged("error: undefined variable 'x'");
    expect(await builds()).toBeInstanceOf(UpdateFailure);
    expect(tries()).toBe(1);
    expect(existsSync(clone())).toBe(true);
  });

  it("is not deleted again if that did not help", async () => {
    scratch.fake("nix", `echo x >>${scratch.in("tries")}; ${says(damage, "exit 1")}`);
    expect(await builds()).toBeInstanceOf(UpdateFailure);
    expect(tries()).toBe(2);
  });
});

describe("a build that fails", () => {
  it.each([
    ["a builder", 100, "error: builder for '/nix/store/x.drv' failed with exit code 1"],
    ["a hash", 102, "error: hash mismatch in fixed-output derivation"],
  ])("because of %s is refused from then on", async (_, status, message) => {
    scratch.fake("nix-store", says(message, `exit ${status}`));
    expect(await end()).toEqual(refused);
  });

  it.each([
    "error: writing to file: No space left on device",
    "error: executing SQLite statement 'insert': database or disk is full",
    "error: writing to file: Disk quota exceeded",
    "error: out of memory",
    "error: Nix daemon disconnected unexpectedly (maybe it crashed?)",
  ])("for lack of what the machine should have is tried again: %s", async (message) => {
    scratch.fake("nix-store", says(message, "exit 1"));
    expect(await end()).toEqual(retried);
  });

  it.each([
    "error: unable to download 'https://cache.nixos.org/x.narinfo': Couldn't resolve host name (6)",
    "error: cannot download source.tar.gz from any mirror",
  ])("for lack of a network is tried again, and not the revision's fault: %s", async (message) => {
    scratch.fake("nix-store", says(message, "exit 1"));
    expect(await end()).toEqual({ ...retried, offline: true });
  });

  it.each([
    ["itself", "building", "kill -KILL $$"],
    ["in a builder", "error: builder for '/nix/store/x.drv' failed due to signal 9 (Killed)", "exit 100"],
    ["in a builder's child", "error: builder for '/nix/store/x.drv' failed with exit code 137", "exit 100"],
  ])("because it was killed %s is tried again", async (_, message, how) => {
    scratch.fake("nix-store", says(message, how));
    expect(await end()).toEqual(retried);
  });
});

it.each(["nix", "nix-store"])(
  "%s that does not end is tried again, and says so in the same words each time",
  async (program) => {
    process.env["NIXOS_AUTO_UPDATE_BUILD_TIMEOUT"] = String(patience(1) / 1000);
    scratch.fake(program, 'echo "download number $RANDOM" >&2; exec sleep 60');
    const ending = await succeededOrFailure(
      async () => {
        await build("x", scratch.in("built"));
        throw new Error("it was built");
      },
      () => B,
    );
    expect(ending).toMatchObject({
      outcome: "failed",
      stage: "build",
      cause: "unknown",
      unrecognised: { revision: B },
    });
    expect(ending.refuse).toBeUndefined();
    const what = program === "nix" ? "the evaluation" : "the build";
    expect(normalisedFailure(ending.error ?? "")).toBe(`error: ${what} did not end within N s`);
  },
);

it("the reason comes last, and is short", async () => {
  const lines = Array.from({ length: 1000 }, (_, count) => `line ${count}`);
  scratch.fake("nix-store", says([...lines, "error: builder for '/nix/store/x.drv' failed"].join("\n"), "exit 100"));
  const error: unknown = await build("x", scratch.in("built")).catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(UpdateFailure);
  const text = (error as UpdateFailure).message.split("\n");
  expect(text).toHaveLength(25);
  expect(text.at(-1)).toBe("error: builder for '/nix/store/x.drv' failed");
});
