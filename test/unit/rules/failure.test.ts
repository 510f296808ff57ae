/** What is refused from then on, and what is tried again: by stage and exit status, and by the words of Nix and git. */
import { describe, expect, it } from "vitest";
import { buildFailure, evaluationFailure, failureLines, gitFailure, isTransient } from "../../../rules/failure";

const ended = (text: string, status = 1) => ({ status, text });

describe("an evaluation that fails", () => {
  it.each([
    ["error: attribute 'nosuch' missing", "revision"],
    ["error: infinite recursion encountered", "revision"],
    ["error: unable to download 'https://x/y': HTTP error 404", "revision"],
    ["error: unable to download 'https://x/y': HTTP error 429", "network"],
    ["error: unable to download 'https://x/y': HTTP error 503\n\nresponse body:", "network"],
    ["error: unable to download 'https://x/y': HTTP error 403\n\nAPI rate limit exceeded for 1.2.3.4", "network"],
    ["error: unable to download 'https://x/y': HTTP error 403", "revision"],
    ["error: unable to download 'https://x/y': Could not resolve host: x (6)", "network"],
    ["error: Failed to fetch git repository 'https://git.example.org/x'", "network"],
    ["error: Cannot find Git revision 'abc' in ref 'main' of repository 'https://x'!", "network"],
    ["error: writing to file: No space left on device", "space"],
    ["error: Nix daemon disconnected unexpectedly (maybe it crashed?)", "busy"],
    ["error: writing to file: Broken pipe", "busy"],
    ["error: SQLite database '/nix/var/nix/db/db.sqlite' is busy", "busy"],
    ["fatal: unable to access 'https://x/': Could not resolve host: x", "network"],
  ])("with %s", (text, cause) => {
    expect(evaluationFailure(ended(text))).toBe(cause);
  });

  it("by a signal has been killed, and by a limit takes too long", () => {
    expect(evaluationFailure({ signal: "SIGKILL", text: "" })).toBe("resources");
    expect(evaluationFailure({ status: 137, text: "" })).toBe("resources");
    expect(evaluationFailure({ limit: "timeout", text: "" })).toBe("revision");
  });
});

describe("a build that fails", () => {
  it.each([
    ["a builder", 100, "error: builder for '/nix/store/x.drv' failed with exit code 1", "revision"],
    ["a hash", 102, "error: hash mismatch in fixed-output derivation", "revision"],
    [
      "the builder of a fixed-output derivation",
      1,
      "error: builder for '/nix/store/source.drv' failed with exit code 1",
      "unknown",
    ],
    [
      "a builder that ran out of memory",
      100,
      "error: builder for '/nix/store/x.drv' failed due to signal 9 (Killed)",
      "resources",
    ],
    ["a builder without space", 100, "cp: cannot create 'x': No space left on device", "space"],
    ["a substituter", 1, "error: unable to download 'https://cache/x.narinfo': HTTP error 502", "network"],
    ["the daemon", 1, "error: Nix daemon disconnected unexpectedly (maybe it crashed?)", "busy"],
  ])("because of %s", (_, status, text, cause) => {
    expect(buildFailure({ status, text })).toBe(cause);
  });
});

describe("git", () => {
  it.each([
    ["fatal: remote error: upload-pack: not our ref 1234", "absent"],
    ["fatal: couldn't find remote ref refs/heads/main", "absent"],
    ["git@example.com: Permission denied (publickey).", "refused"],
    ["Host key verification failed.\nfatal: Could not read from remote repository.", "refused"],
    ["fatal: unable to access 'https://x/': The requested URL returned error: 403", "refused"],
    ["fatal: unable to access 'https://x/': The requested URL returned error: 503", "network"],
    ["fatal: write error: No space left on device", "space"],
    ["error: unable to create temporary file: Read-only file system", "space"],
    ["fatal: unable to connect to git.internal", "network"],
    ["ssh: connect to host x port 22: Connection refused\nfatal: Could not read from remote repository.", "network"],
    ["error: RPC failed; curl 56 Recv failure: Connection reset by peer\nfatal: early EOF", "network"],
    ["fatal: the remote end hung up unexpectedly", "network"],
    ["ERROR: Repository not found.\nfatal: Could not read from remote repository.", "refused"],
    ["remote: Not Found\nfatal: repository 'https://x/y.git/' not found", "refused"],
    ["fatal: remote error: access denied or repository not exported: /x.git", "refused"],
    ["fatal: bad object 1234", "unknown"],
    ["fatal: transport 'file' not allowed", "unknown"],
    ["fatal: unable to read tree 1234", "unknown"],
  ])("that says %s", (text, cause) => {
    expect(gitFailure(ended(text, 128))).toBe(cause);
  });

  it("that was killed had too little memory, and one that hung had no answer", () => {
    expect(gitFailure({ signal: "SIGKILL", text: "Receiving objects" })).toBe("resources");
    expect(gitFailure({ status: 128, limit: "silence", text: "" })).toBe("network");
  });
});

it("what is the revision's own, or the repository's answer, is not tried again by itself", () => {
  const causes = ["revision", "absent", "network", "refused", "space", "resources", "busy", "unknown"] as const;
  expect(causes.filter((cause) => !isTransient(cause))).toEqual(["revision", "absent"]);
});

it("the lines of a failure leave out what Nix says of every failure, and end with the reason", () => {
  const output = [
    "these 2 derivations will be built:",
    "  /nix/store/x.drv",
    "building '/nix/store/x.drv'...",
    "error: builder for '/nix/store/x.drv' failed with exit code 1;",
    "       last 1 log lines:",
    "       > cannot build this",
    "       For full logs, run:",
    "         nix log /nix/store/x.drv",
    "error: 1 dependencies of derivation '/nix/store/y.drv' failed to build",
  ];
  expect(failureLines(output.join("\n"))).toBe(output.slice(3, 6).join("\n"));
});
