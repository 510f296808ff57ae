/** A connection's settings as files for OpenSSH's client, so that no secret appears on a command line. */
import { once } from "node:events";
import * as fs from "node:fs/promises";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { isObject, text, type Props } from "../core/value";

/** The client's settings for one host of a connection (the target, or the bastion before it). */
interface Endpoint {
  alias: string;
  /** File name → contents, all of them readable by their owner only. */
  files: Record<string, string>;
  /** Lines of ssh_config. */
  lines: string[];
  askpass: boolean;
}

/** One host's settings; `directory` is the folder for its files. Pure. */
export function endpoint(alias: string, connection: Props, directory: string): Endpoint {
  const at = (name: string) => path.join(directory, `${alias}.${name}`);
  const privateKey = text(connection, "privateKey");
  const hostKey = text(connection, "hostKey");
  const password = text(connection, "password");
  const passphrase = text(connection, "privateKeyPassword");
  const agent = text(connection, "agentSocketPath");
  const timeout = number(connection, "perDialTimeout", 15);
  const askpass = password !== undefined || passphrase !== undefined;
  const files = {
    ...(privateKey === undefined ? {} : { key: privateKey.endsWith("\n") ? privateKey : `${privateKey}\n` }),
    ...(hostKey === undefined ? {} : { known_hosts: `${alias} ${hostKey.trim()}\n` }),
    ...(password === undefined ? {} : { password }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(askpass
      ? {
          askpass: `#!/bin/sh\ncase $1 in *passphrase*) cat '${at("passphrase")}' ;; *) cat '${at("password")}' ;; esac\n`,
        }
      : {}),
  };
  const lines = [
    `Host ${alias}`,
    `HostName ${plain(text(connection, "host") ?? "", "host")}`,
    `HostKeyAlias ${alias}`,
    `Port ${number(connection, "port", 22)}`,
    `User ${plain(text(connection, "user") ?? "root", "user")}`,
    ...(privateKey === undefined ? [] : [`IdentityFile "${at("key")}"`, "IdentitiesOnly yes"]),
    // That an agent must answer all the same: requireAgent.
    ...(agent === undefined ? (privateKey === undefined ? [] : ["IdentityAgent none"]) : [`IdentityAgent "${agent}"`]),
    ...(hostKey === undefined
      ? ["StrictHostKeyChecking no", "UserKnownHostsFile /dev/null"]
      : [
          "StrictHostKeyChecking yes",
          `UserKnownHostsFile "${at("known_hosts")}"`,
          // As the official provider: for an RSA key only SHA-1, which no current server signs with.
          `HostKeyAlgorithms ${plain(hostKey.trim().split(" ")[0] ?? "", "hostKey")}`,
        ]),
    "GlobalKnownHostsFile /dev/null",
    // OpenSSH's covers the server's greeting as well: remote.ts.
    ...(timeout > 0 ? [`ConnectTimeout ${timeout}`] : []),
    ...(askpass ? ["NumberOfPasswordPrompts 1"] : ["BatchMode yes"]),
    "LogLevel ERROR",
  ];
  return {
    alias,
    files: Object.fromEntries(Object.entries(files).map(([name, body]) => [at(name), body])),
    lines,
    askpass,
  };
}

/** A client's configuration on disk. */
export interface Client {
  /** `ssh` with its options; the caller adds a command. */
  argv: string[];
  env: Record<string, string>;
  /** Whether the last attempt reached a session. */
  connected(): Promise<boolean>;
  remove(): Promise<void>;
}

/** Writes the files for a connection; `variables` names the variables that the client passes on from its own environment. */
export async function client(connection: Props, variables: readonly string[]): Promise<Client> {
  const behind = connection["proxy"];
  await requireAgent(connection);
  if (isObject(behind)) await requireAgent(behind);
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), "nixos-fleet-ssh-"));
  const config = path.join(directory, "config");
  const mark = path.join(directory, "connected");
  const target = endpoint("target", connection, directory);
  const proxy = isObject(behind) ? endpoint("proxy", behind, directory) : undefined;
  target.lines.push("PermitLocalCommand yes", `LocalCommand touch '${mark}'`);
  if (variables.length > 0) target.lines.push(`SendEnv ${variables.join(" ")}`);
  if (proxy)
    target.lines.push(
      `ProxyCommand env SSH_ASKPASS='${directory}/proxy.askpass' ssh -F '${config}' -W '[%h]:%p' proxy`,
    );
  const lines = [...target.lines, ...(proxy?.lines ?? [])];
  const files = { ...target.files, ...proxy?.files, [config]: `${lines.join("\n")}\n` };
  for (const [file, body] of Object.entries(files))
    await fs.writeFile(file, body, { mode: file.endsWith(".askpass") ? 0o700 : 0o600 });
  return {
    argv: ["ssh", "-F", config, "-T", "target", "--"],
    env: {
      SSH_ASKPASS: path.join(directory, "target.askpass"),
      SSH_ASKPASS_REQUIRE: target.askpass || proxy?.askpass ? "force" : "never",
    },
    connected: () =>
      fs.access(mark).then(
        () => true,
        () => false,
      ),
    remove: () => fs.rm(directory, { recursive: true, force: true }),
  };
}

/**
 * As the official provider before it dials, which takes the agent of the environment even where a key is given.
 * @throws Error if an agent is named and does not answer
 */
async function requireAgent(connection: Props): Promise<void> {
  const socketPath = text(connection, "agentSocketPath") ?? process.env["SSH_AUTH_SOCK"] ?? "";
  if (socketPath === "") return;
  const socket = net.connect({ path: socketPath });
  try {
    await once(socket, "connect");
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    const why = { ENOENT: "no such file or directory", ECONNREFUSED: "connection refused" }[code] ?? code;
    throw new Error(`dial unix ${socketPath}: connect: ${why}`, { cause: error });
  } finally {
    socket.destroy();
  }
}

/** A number among a connection's settings. */
export function number(connection: Props, key: string, otherwise: number): number {
  const value = connection[key];
  return typeof value === "number" ? value : otherwise;
}

/** A word for ssh_config. A newline in it would start another option. */
function plain(value: string, what: string): string {
  if (!/^[^\s"'#%\\-][^\s"'#%\\]*$/.test(value))
    throw new Error(`connection.${what} is no ${what}: ${JSON.stringify(value)}`);
  return value;
}
