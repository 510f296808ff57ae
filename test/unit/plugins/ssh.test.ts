import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { endpoint } from "../../../local/plugins/command/ssh";
import { until } from "../../setup/until";
import { Plugin, type Json } from "./client";

const REMOTE = "command:remote:Command";

/**
 * Stands for OpenSSH's client: notes what it was given, refuses as often as the file `refusals` has lines, and then runs the
 * command here, after what the configuration calls LocalCommand.
 */
const CLIENT = `#!/bin/sh
cd "$NOTES" || exit 1
printf '%s\\n' "$*" >>arguments
cat "$2" >config
for file in $(sed -n 's/.*\\(IdentityFile\\|UserKnownHostsFile\\) "\\(.*\\)"/\\2/p' config); do
  stat -c '%a' "$file" >>modes
  cat "$file" >>files
done
if [ -e silent ]; then
  echo "Connection timed out during banner exchange" >&2
  exit 255
fi
if [ -s refusals ]; then
  sed -i 1d refusals
  echo "connection refused" >&2
  exit 255
fi
eval "$(sed -n 's/^LocalCommand //p' config)"
shift 5
exec sh -c "$*"
`;

let plugin: Plugin;
let notes: string;
/** Where a plugin finds the client. */
let inPath: string;
const note = (name: string) => readFileSync(path.join(notes, name), "utf8");

beforeAll(async () => {
  notes = mkdtempSync(path.join(os.tmpdir(), "plugin-ssh-"));
  writeFileSync(path.join(notes, "ssh"), CLIENT, { mode: 0o755 });
  inPath = `${notes}:${process.env["PATH"] ?? ""}`;
  plugin = await Plugin.start("command", { NOTES: notes, PATH: inPath, TMPDIR: notes, SSH_AUTH_SOCK: "" });
});
afterAll(async () => {
  await plugin.stop();
  rmSync(notes, { recursive: true });
});
afterEach(() => {
  for (const name of ["arguments", "config", "modes", "files", "refusals", "silent"])
    rmSync(path.join(notes, name), { force: true });
});

const connection: Json = {
  host: "10.0.0.2",
  port: 2222,
  user: "trigger",
  privateKey: "PRIVATE",
  hostKey: "ssh-ed25519 AAAA",
  dialErrorLimit: 2,
  perDialTimeout: 7,
};

describe("a remote command", () => {
  it("runs with input and environment, none of which is on a command line or left behind", async () => {
    const { state } = await plugin.create(REMOTE, {
      connection,
      create: 'echo "$SECRET"; cat; echo oops >&2',
      stdin: "hidden input",
      environment: { SECRET: 'two\n"lines"' },
    });
    expect(state).toMatchObject({ stdout: 'two\n"lines"\nhidden input', stderr: "oops" });
    expect(note("arguments")).not.toMatch(/PRIVATE|hidden|lines"/);
    expect(note("files")).toBe("PRIVATE\ntarget ssh-ed25519 AAAA\n");
    expect(note("modes")).toBe("600\n600\n");
    expect(note("config")).toMatch(/^SendEnv SECRET$/m);
    expect(readdirSync(notes).filter((name) => name.startsWith("nixos-fleet-ssh"))).toEqual([]);
  });

  it("is tried again while there is no session, as often as allowed", async () => {
    writeFileSync(path.join(notes, "refusals"), "1\n2\n");
    expect((await plugin.create(REMOTE, { connection, create: "echo in" })).state["stdout"]).toBe("in");
    writeFileSync(path.join(notes, "refusals"), "1\n2\n3\n4\n");
    const refused = plugin.create(REMOTE, { connection, create: "echo in" });
    await expect(refused).rejects.toThrow("after 3 failed attempts: connection refused");
    expect(note("refusals")).toBe("4\n");
  });

  it("fails where the official provider hangs: at a server that accepts connections and sends no greeting", async () => {
    writeFileSync(path.join(notes, "silent"), "");
    await expect(plugin.create(REMOTE, { connection, create: "true" })).rejects.toThrow("sends no greeting");
    expect(note("arguments").trim().split("\n")).toHaveLength(1);
  });

  it("runs to its end although the engine cancels", async () => {
    const other = await Plugin.start("command", { NOTES: notes, PATH: inPath, TMPDIR: notes, SSH_AUTH_SOCK: "" });
    try {
      const run = other.create(REMOTE, { connection, create: "echo ready; sleep 1; echo ended >&2" });
      await until("the command runs", 10, () => other.shown.includes("ready"));
      await other.cancel();
      expect((await run).state["stderr"]).toBe("ended");
    } finally {
      await other.stop();
    }
  });

  it("fails without a dial where SSH_AUTH_SOCK names no agent, also with a key of its own", async () => {
    const gone = path.join(notes, "gone");
    const other = await Plugin.start("command", { NOTES: notes, PATH: inPath, TMPDIR: notes, SSH_AUTH_SOCK: gone });
    try {
      await expect(other.create(REMOTE, { connection, create: "true" })).rejects.toThrow(
        `dial unix ${gone}: connect: no such file or directory`,
      );
      expect(readdirSync(notes)).not.toContain("arguments");
    } finally {
      await other.stop();
    }
  });

  it("that fails is not tried again, not even with ssh's own status", async () => {
    await expect(plugin.create(REMOTE, { connection, create: "echo why; exit 3" })).rejects.toThrow(
      'Process exited with status 3: running "echo why; exit 3":\nwhy\n',
    );
    await expect(plugin.create(REMOTE, { connection, create: "exit 255" })).rejects.toThrow("the session was lost");
    expect(note("arguments").trim().split("\n")).toHaveLength(2);
  });

  it("goes through a bastion with settings of its own", async () => {
    const proxy = { host: "bastion", user: "jump", privateKey: "PROXY", hostKey: "ssh-ed25519 BBBB" };
    await plugin.create(REMOTE, { connection: { ...connection, proxy }, create: "true" });
    expect(note("config")).toMatch(/^ProxyCommand env SSH_ASKPASS='.*' ssh -F '.*config' -W '\[%h\]:%p' proxy$/m);
    expect(note("config")).toMatch(/^Host proxy\nHostName bastion$/m);
    expect(note("files")).toBe("PRIVATE\ntarget ssh-ed25519 AAAA\nPROXY\nproxy ssh-ed25519 BBBB\n");
  });
});

describe("a connection", () => {
  const lines = (given: Json) => endpoint("target", given, "/d").lines;

  it("with a host key accepts no other, and without one any", () => {
    expect(lines(connection)).toContain("StrictHostKeyChecking yes");
    expect(lines(connection)).toContain('UserKnownHostsFile "/d/target.known_hosts"');
    expect(lines(connection)).toContain("HostKeyAlgorithms ssh-ed25519");
    expect(lines({ ...connection, hostKey: "ssh-rsa AAAA" })).toContain("HostKeyAlgorithms ssh-rsa");
    expect(lines({ host: "h" }).join()).not.toContain("HostKeyAlgorithms");
    expect(lines({ host: "h" })).toContain("StrictHostKeyChecking no");
    expect(lines({ host: "h" })).toContain("UserKnownHostsFile /dev/null");
  });

  it("with a key of its own asks no agent, unless one is named", () => {
    expect(lines(connection)).toContain("IdentityAgent none");
    expect(lines({ host: "h", agentSocketPath: "/s" })).toContain('IdentityAgent "/s"');
    expect(lines({ host: "h" }).join()).not.toContain("IdentityAgent");
  });

  it("waits for an answer as long as its setting says", () => {
    expect(lines(connection)).toContain("ConnectTimeout 7");
    expect(lines({ host: "h" })).toContain("ConnectTimeout 15");
    expect(lines({ host: "h", perDialTimeout: 0 }).join()).not.toContain("ConnectTimeout");
  });

  it("never prompts, but hands over a password that it has", () => {
    expect(lines(connection)).toContain("BatchMode yes");
    const locked = endpoint("target", { host: "h", password: "geheim" }, "/d");
    expect(locked.lines.join()).not.toMatch(/BatchMode|geheim/);
    expect(locked.files["/d/target.password"]).toBe("geheim");
  });

  it("takes no host that would be another option of the client's", () => {
    for (const host of ["-oProxyCommand=x", "a b", 'a"b', "a\nProxyCommand x", ""])
      expect(() => lines({ host }), host).toThrow("connection.host is no host");
  });
});
