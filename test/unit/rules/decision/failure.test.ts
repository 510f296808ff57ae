/** What is refused from then on, and what is tried again: by stage and exit status, and by the words of Nix and git. */
import { describe, expect, it } from "vitest";
import {
  hasAnswered,
  buildFailure,
  evaluationFailure,
  type FailureCause,
  gitFailure,
  isTransient,
} from "../../../../rules/decision/failure";
import { gitReason } from "../../../../rules/git-answer";

/** What git says after each failure over SSH before the server has listed its branches. */
const unreadable =
  "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.";

/** Refusals of servers that ssh got through to, in their own words. */
const refusals = [
  "remote: \nremote: ========\nremote: \nremote: ERROR: The project you were looking for could not be found or you don't have permission to view it.\nremote: \nremote: ========\nremote: ",
  "remote: Your SSH key has expired.\nremote: ",
  "Unauthorized",
  "conq: repository access denied.",
  "Gitea: Unauthorized",
  "Forgejo: User permission denied for writing.",
  "remote: Public key authentication failed.",
  "remote: TF401019: The Git repository with name or identifier x does not exist or you do not have permissions for the operation you are attempting.",
  "ERROR: The account is suspended.",
];

/** What ssh says of a connection that it could not make or lost, and servers of their own trouble. */
const connections = [
  "ssh: Could not resolve hostname x: Temporary failure in name resolution",
  "ssh: connect to host x port 22: No route to host",
  "kex_exchange_identification: read: Connection reset by peer",
  "ssh_dispatch_run_fatal: Connection to 192.0.2.1 port 22: message authentication code incorrect",
  "Connection to x closed by remote host.",
  "Timeout, server x not responding.",
  "client_loop: send disconnect: Broken pipe",
  "Received disconnect from 192.0.2.1 port 22:11: Too many connections",
  "Warning: Permanently added 'x' (ED25519) to the list of known hosts.",
  "** WARNING: connection is not using a post-quantum key exchange algorithm.",
  "remote: GitLab is currently unavailable, please try again later.",
  "remote: Internal API unreachable",
  "fatal: '/srv/x' does not appear to be a git repository",
];

const ended = (text: string, status = 1) => ({ status, text });

describe("an evaluation that fails", () => {
  it.each([
    ["error: attribute 'nosuch' missing", "revision"],
    ["error: infinite recursion encountered", "revision"],
    ["error: unable to download 'https://x/y': HTTP error 404", "revision"],
    ["error: unable to download 'https://x/y': HTTP error 429", "network"],
    ["error: unable to download 'https://x/y': HTTP error 503\n\nresponse body:", "network"],
    ["error: unable to download 'https://x/y': HTTP error 403\n\nAPI rate limit exceeded for 1.2.3.4", "network"],
    ["error: unable to download 'https://x/y': HTTP error 403", "refused"],
    [
      "error: unable to download 'https://api.github.com/repos/a/b': HTTP error 401\n\nresponse body:\n\nBad credentials",
      "refused",
    ],
    ["error: unable to download 'https://x/y': HTTP error 501", "network"],
    ["error: unable to download 'https://x/y': Stream error in the HTTP/2 framing layer (92)", "network"],
    ["error: unable to download 'https://x/y': Transferred a partial file (18)", "network"],
    ["error: unable to download 'gopher://x': Unsupported protocol (1)", "revision"],
    ["error: download of 'https://x/y' was interrupted", "network"],
    [
      "warning: error: unable to download 'https://x/y': HTTP error 502; retrying in 300 ms\nerror: attribute 'a' missing",
      "revision",
    ],
    ["git@x: Permission denied (publickey).\nerror: Failed to fetch git repository 'ssh://git@x/y'", "refused"],
    [
      "fatal: could not read Username for 'https://x': terminal prompts disabled\nerror: program 'git' failed with exit code 128",
      "refused",
    ],
    [
      "remote: Repository not found.\nfatal: repository 'https://x/y/' not found\nerror: program 'git' failed with exit code 128",
      "refused",
    ],
    [
      "warning: could not update local clone of Git repository 'https://x'; continuing with the most recent version\nerror: Cannot find Git revision 'abc' in ref 'main' of repository 'https://x'!",
      "network",
    ],
    [
      "error: executing SQLite statement 'insert': disk I/O error, disk I/O error (in '/nix/var/nix/db/db.sqlite')",
      "space",
    ],
    ["error: executing SQLite query: database disk image is malformed", "space"],
    ["error: getting Git object '1234': object not found - no match for id (1234)", "absent"],
    ["error: unable to download 'https://x/y': HTTP error 200 (curl error: Transferred a partial file)", "network"],
    [
      "error: cannot open connection to remote store 'daemon': error: cannot connect to socket at '/nix/var/nix/daemon-socket/socket': Connection refused",
      "busy",
    ],
    ["error: unexpected end-of-file", "busy"],
    ["error: interrupted by the user", "resources"],
    ["GC Warning: Out of Memory!  Returning NULL!\nerror: out of memory", "resources"],
    ["error: stack overflow; max-call-depth exceeded", "revision"],
    ["error: unable to download 'https://x/y': Could not resolve host: x (6)", "network"],
    ["error: Failed to fetch git repository 'https://git.example.org/x'", "network"],
    ["error: Cannot find Git revision 'abc' in ref 'main' of repository 'https://x'!", "absent"],
    ["error: writing to file: No space left on device", "space"],
    ["error: Nix daemon disconnected unexpectedly (maybe it crashed?)", "busy"],
    ["error: writing to file: Broken pipe", "busy"],
    ["error: SQLite database '/nix/var/nix/db/db.sqlite' is busy", "busy"],
    ["fatal: unable to access 'https://x/': Could not resolve host: x", "network"],
  ])("with %s", (text, cause) => {
    expect(evaluationFailure(ended(text))).toBe(cause);
  });

  it.each<[string, FailureCause]>([
    ["", "network"],
    ...refusals.map((text): [string, FailureCause] => [text, "refused"]),
    // Nix says of its own daemon that a pipe broke.
    ...connections
      .filter((text) => !text.includes("Broken pipe"))
      .map((text): [string, FailureCause] => [text, "network"]),
  ])("because git, which Nix starts, says %s", (said, cause) => {
    const text = `fetching git input 'git+ssh://x/y'\n${said}\n${unreadable}\nerror: program 'git' failed with exit code 128`;
    expect(evaluationFailure(ended(text))).toBe(cause);
  });

  it("of an input whose hash is not the locked one is the revision's, after whatever else", () => {
    const text =
      "warning: error: unable to download 'https://x': HTTP error 503; retrying in 250 ms\nerror: NAR hash mismatch in input 'x'";
    expect(evaluationFailure({ status: 102, text })).toBe("revision");
  });

  it.each(["waiting for a free build user ID for '/nix/store/x.drv'...", "waiting for lock on '/nix/store/x'"])(
    "by a limit while another build is in the way (%s) has waited for that",
    (waits) => {
      const text = `building '/nix/store/a.drv'...\n${waits}\n`;
      expect(buildFailure({ limit: "timeout", text })).toBe("busy");
      expect(evaluationFailure({ limit: "silence", text })).toBe("busy");
    },
  );

  it("by a signal has been killed, and by a limit may have waited for a server", () => {
    expect(evaluationFailure({ signal: "SIGKILL", text: "" })).toBe("resources");
    expect(evaluationFailure({ status: 137, text: "" })).toBe("resources");
    expect(evaluationFailure({ limit: "timeout", text: "" })).toBe("unknown");
    expect(evaluationFailure({ status: 1, limit: "timeout", text: "error: interrupted by the user" })).toBe("unknown");
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

  it("by a limit may have waited for a server", () => {
    expect(buildFailure({ limit: "timeout", text: "" })).toBe("unknown");
  });
});

describe("git", () => {
  it.each<[string, FailureCause]>([
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
    ...refusals.map((text): [string, FailureCause] => [`${text}\n${unreadable}`, "refused"]),
    ...connections.map((text): [string, FailureCause] => [`${text}\n${unreadable}`, "network"]),
    [`Welcome to git.example.com\nConnection closed by 192.0.2.1 port 22\n${unreadable}`, "network"],
    [unreadable, "network"],
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

it.each([
  ["", "Host key verification failed."],
  ["", "No ED25519 host key is known for x and you have requested strict checking.\nHost key verification failed."],
  ["", "Unable to negotiate with 10.0.0.1 port 22: no matching host key type found. Their offer: ssh-rsa"],
  [
    "",
    "/etc/ssh/ssh_config: line 3: Bad configuration option: x\n/etc/ssh/ssh_config: terminating, 1 bad configuration options",
  ],
  ["", "Bad owner or permissions on /etc/ssh/ssh_config"],
  ["", "ssh: connect to host x port 22: Connection refused"],
  ["answered", "git@x: Permission denied (publickey)."],
  ["answered", "ERROR: Repository not found."],
  ["answered", "remote: GitLab is currently unable to handle this request due to load."],
])("a refusal of ssh's own is no answer of the server's: %s %s", (answer, text) => {
  expect(hasAnswered({ status: 128, text: `${text}\n${unreadable}` })).toBe(answer === "answered");
});

it.each([
  "The git server, Gitaly, is not available at this time. Please contact your administrator.",
  "GitLab: The git server is unable to handle this request",
  "GitLab is currently unable to handle this request due to load.",
])("a server that is in trouble has not refused: %s", (text) => {
  expect(gitFailure({ status: 128, text: `remote: ${text}\n${unreadable}` })).toBe("network");
});

it("what is the revision's own, or the repository's answer, is not tried again by itself", () => {
  const causes = ["revision", "absent", "network", "refused", "space", "resources", "busy", "unknown"] as const;
  expect(causes.filter((cause) => !isTransient(cause))).toEqual(["revision", "absent"]);
});

it.each([
  [
    `${refusals[0] ?? ""}\n${unreadable}`,
    "remote: ERROR: The project you were looking for could not be found or you don't have permission to view it.",
  ],
  [`Warning: Permanently added 'x' (ED25519) to the list of known hosts.\nUnauthorized\n${unreadable}`, "Unauthorized"],
  [
    `@@@@@@@@@@@@\nHost key for x has changed.\nHost key verification failed.\n${unreadable}`,
    "Host key verification failed.",
  ],
  [unreadable, "fatal: Could not read from remote repository."],
  [
    "remote: Repository not found.\nfatal: repository 'https://x/y/' not found\nmore",
    "fatal: repository 'https://x/y/' not found",
  ],
  ["error: RPC failed; curl 56\nfatal: early EOF", "fatal: early EOF"],
  ["words", "words"],
  ["", undefined],
])("the reason in what git printed is in one line: %s", (text, expected) => {
  expect(gitReason(text)).toBe(expected);
});
