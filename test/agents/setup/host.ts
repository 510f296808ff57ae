/** What of a cloud can be seen on the host, its end, and a stand-in for the metadata server: for tests of the machines alone. */
import { execFile, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { Socket } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import type { Network } from "../../../local/machines/driver";
import { cloudNames } from "../../../local/machines/names";

const project = path.join(__dirname, "../../..");

/** Builds the machines' image, or finds it built; its path. */
export async function buildImage(): Promise<string> {
  const { stdout } = await promisify(execFile)(path.join(project, "local", "image", "build"));
  return stdout.trim();
}

/**
 * Takes a cloud and its state directory away when this process has ended, however it ended: Ctrl-C and `kill -9` close a pipe too. The
 * directory is no argument of the command that waits for that, and so no trace of the cloud.
 */
export function downAfterUs(state: string): void {
  const script = `cat; while [ -e "$NIXOS_FLEET_STATE" ]; do "$0" down; [ $? = 75 ] || break; sleep 1; done`;
  const waiting = spawn("bash", ["-c", script, path.join(project, "scripts", "local")], {
    cwd: project,
    env: { ...process.env, NIXOS_FLEET_STATE: state },
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  waiting.unref();
  if (waiting.stdin instanceof Socket) waiting.stdin.unref();
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** A zombie has ended: only its parent, the host's init, has not read its exit status yet. */
const isZombie = (pid: string) => / Z /.test(read(`/proc/${pid}/stat`).replace(/^.*\)/s, ""));

/** All traces of a cloud on the host but its files: namespaces, control groups, mounts, links and processes, a line each. */
export function traces(state: string): string[] {
  const { id, namespace, cgroup } = cloudNames(state);
  const lines = (file: string) => read(file).split("\n");
  const namespaces = existsSync("/run/netns")
    ? readdirSync("/run/netns").filter((name) => name.startsWith(namespace))
    : [];
  const groups = lines("/proc/self/mounts")
    .filter((line) => line.split(" ")[2] === "cgroup2")
    .map((line) => path.join(line.split(" ")[1] ?? "", cgroup))
    .filter((group) => existsSync(group));
  const mounts = lines("/proc/self/mounts").filter((line) => line.includes(state) || line.includes(namespace));
  const links = lines("/proc/net/dev").filter((line) => /^\s*(vm[0-9a-f]{8}|br0):/.test(line));
  const processes = readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid) && !isZombie(pid))
    .map((pid) => `${pid} ${read(`/proc/${pid}/cgroup`)} ${read(`/proc/${pid}/cmdline`).replaceAll("\0", " ")}`)
    .filter((text) => text.includes(id) || text.includes(state));
  return [...namespaces, ...groups, ...mounts, ...links, ...processes];
}

/** Answers as little as Google's script runner asks for, and notes the guest attributes that machines write. */
export async function serveMetadata(
  network: Network,
  startupScript: string,
): Promise<{ server: Server; written: Map<string, string> }> {
  const written = new Map<string, string>();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://metadata");
    response.setHeader("Metadata-Flavor", "Google");
    if (request.method === "PUT") {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const key = pathname.replace("/computeMetadata/v1/instance/guest-attributes/", "");
        written.set(`${request.socket.remoteAddress ?? ""} ${key}`, Buffer.concat(chunks).toString());
        response.end();
      });
    } else if (pathname.startsWith("/computeMetadata/v1/instance/attributes")) {
      response.end(JSON.stringify({ "startup-script": startupScript }));
    } else {
      response.statusCode = 404;
      response.end();
    }
  });
  const listener = await network.listen(80, "169.254.169.254");
  listener.on("connection", (socket) => server.emit("connection", socket));
  server.once("close", () => listener.close());
  return { server, written };
}
