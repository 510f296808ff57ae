/** Anything may print anything: more than an argument or a line can be, or what a terminal obeys. It is cut, reported, and harmless. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checksError } from "../../../agent/activation/health";
import { activateHome } from "../../../agent/activation/home-activation";
import { alarm, log } from "../../../agent/host/log";
import { build } from "../../../agent/nix/nix";
import { nextState } from "../../../rules/agent-state";
import { Scratch } from "./scratch";

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
});
afterEach(() => scratch.remove());

/** Prints a line of a megabyte, and the reason. */
const MUCH = "head --bytes=1000000 /dev/zero | tr '\\0' x; echo; echo the reason >&2";

/** What a state keeps of an error. */
const kept = (error: string | undefined) =>
  nextState(
    {},
    {
      ...{ outcome: "failed", error: error ?? expect.fail("there was no error"), toplevel: "", rolledBack: true },
      ...{ rebootRequired: false, at: "", bootedAt: "", agent: "" },
    },
  ).error ?? "";

describe("a health check", () => {
  const checks = (healthChecks: object) => {
    writeFileSync(scratch.in("settings.json"), JSON.stringify({ healthChecks }));
    return checksError(scratch.in("settings.json"));
  };

  it.each(["web server", "", " $(exit 1)`", "a\nb\tc", "__proto__", "ü✓", "x".repeat(1000)])(
    "may have any text for a name: %j",
    async (name) => {
      expect(await checks(Object.fromEntries([[name, { command: "true" }]]))).toBeUndefined();
      const error = await checks(JSON.parse(`{${JSON.stringify(name)}:{"command":"echo no; false"}}`) as object);
      expect(error).toMatch(/^health check .* failed with status 1\nno$/);
    },
  );

  it("that prints a megabyte is reported with its reason", async () => {
    const error = kept(await checks({ "web server": { command: `${MUCH}; false` } }));
    expect(error).toMatch(/the reason$/);
    expect(Buffer.byteLength(error)).toBeLessThanOrEqual(2000);
  });

  it("that hangs says so", async () => {
    expect(await checks({ web: { command: "sleep 60", timeout: 1 } })).toBe("health check web did not end within 1 s");
  });
});

it("an activation that prints a megabyte is reported with its reason", async () => {
  mkdirSync(scratch.in("generation"));
  writeFileSync(scratch.in("generation/activate"), `#!/bin/bash\n${MUCH}\nexit 3\n`);
  chmodSync(scratch.in("generation/activate"), 0o755);
  const switched = await activateHome(scratch.in("generation"), scratch.in("profiles/home-manager"), "before");
  const error = kept(switched.kind === "failed" ? switched.error : undefined);
  expect(error).toMatch(/the reason$/);
});

it("an activation that lacked the disk, the Nix daemon or memory is tried again, and any other failure is not", async () => {
  const profile = scratch.in("profiles/home-manager");
  const activation = (text: string) => {
    mkdirSync(scratch.in("generation"), { recursive: true });
    scratch.fake("../generation/activate", text);
    return activateHome(scratch.in("generation"), profile, "before");
  };
  expect(await activation('echo "ln: cannot create x: No space left on device" >&2; exit 1')).toMatchObject({
    ...{ kind: "failed", passes: "space" },
  });
  const other = await activation("echo \"Existing file 'x' would be clobbered\" >&2; exit 1");
  expect(other).toEqual({
    kind: "failed",
    error: "activate ended with status 1\nExisting file 'x' would be clobbered",
  });

  for (const why of [
    "error: cannot connect to socket at '/nix/var/nix/daemon-socket/socket': Connection refused",
    "error: Nix daemon disconnected unexpectedly (maybe it crashed?)",
    "error: SQLite database '/nix/var/nix/db/db.sqlite' is busy",
    "error: out of memory",
  ])
    // It changed what came before: the home goes back, and tries again.
    expect(await activation(`echo "${why}" >&2; exit 1`)).toEqual({
      ...{ kind: "failed", passes: "busy", error: `activate ended with status 1\n${why}` },
    });
  const early = "echo 'error: out of memory'; for line in {1..30}; do echo $line; done; exit 1";
  expect(await activation(early)).not.toHaveProperty("passes");

  writeFileSync(scratch.in("generation/gen-version"), "1");
  scratch.fake("nix-env", "echo 'error: creating link: No space left on device' >&2; exit 1");
  expect(await activation("exit 0")).toMatchObject({ kind: "failed", passes: "space" });
  scratch.fake("nix-env", "echo 'error: cannot connect to socket' >&2; exit 1");
  expect(await activation("exit 0")).toMatchObject({
    ...{ kind: "failed", passes: "busy", unchanged: true },
    error: expect.stringContaining("cannot connect to socket") as string,
  });
});

it("a builder that prints a megabyte is reported with its reason", async () => {
  scratch.fake("nix", "echo /nix/store/x.drv");
  scratch.fake(
    "nix-store",
    `${MUCH}; echo "error: builder for '/nix/store/x.drv' failed with exit code 1" >&2; exit 100`,
  );
  const failure: unknown = await build("x#y", scratch.in("built")).catch((error: unknown) => error);
  expect(failure).toMatchObject({ stage: "build", cause: "revision", refuse: true });
  expect(kept((failure as Error).message)).toMatch(/the reason\nerror: builder for .* failed with exit code 1$/);
});

it("what goes to the journal or a terminal moves no cursor", () => {
  log("held by eve: \u001b[2J\u009b31m\u0007\u202ename");
  alarm("\u001b]0;title\u0007");
  expect(scratch.log).toMatch(/^[\n\x20-\x7e]*$/);
  log("one\ntwo");
  expect(scratch.log).toMatch(/: one\n.*: two\n$/);
});
