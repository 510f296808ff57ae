/** The script that publishes a VM's SSH host keys, beside a metadata server that answers what a test says. */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, it } from "vitest";

const script = resolve(__dirname, "../../nix/modules/dev-vm/publish-host-keys.bash");
let folder: string;
let server: Server;
/** What the server answers, in order, and then 200. */
let statuses: number[];
let asked: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "host-keys-"));
  [statuses, asked] = [[], []];
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (data: Buffer) => (body += data.toString()));
    request.on("end", () => {
      asked.push(`${request.method} ${request.url} ${String(request.headers["metadata-flavor"])} ${body}`);
      response.statusCode = statuses.shift() ?? 200;
      response.end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const file = (type: string) => join(folder, `ssh_host_${type}_key.pub`);
const publish = (...types: string[]) =>
  execa(script, types.map(file), {
    env: { GCE_METADATA_HOST: `127.0.0.1:${(server.address() as AddressInfo).port}`, http_proxy: "http://127.0.0.1:1" },
  });
const attribute = "/computeMetadata/v1/instance/guest-attributes/hostkeys";

it("publishes each key's type and text, as Google's guest agent does", async () => {
  writeFileSync(file("ed25519"), "ssh-ed25519 AAAAC3Nz root@dev-alice\n");
  writeFileSync(file("rsa"), "ssh-rsa AAAAB3Nz+/== \n");
  await publish("ed25519", "rsa");
  expect(asked).toEqual([
    `PUT ${attribute}/ssh-ed25519 Google AAAAC3Nz`,
    `PUT ${attribute}/ssh-rsa Google AAAAB3Nz+/==`,
  ]);
});

it("takes the public key from the private one where it has no file of its own", async () => {
  const key = file("ed25519").replace(/\.pub$/, "");
  await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "root@dev-alice", "-f", key]);
  const [type = "", text = ""] = readFileSync(file("ed25519"), "utf8").split(" ");
  rmSync(file("ed25519"));
  await publish("ed25519");
  expect(asked).toEqual([`PUT ${attribute}/${type} Google ${text}`]);
});

it("tries again, and says why once, where the server refuses or a key is not there yet", async () => {
  statuses = [403, 403];
  setTimeout(() => writeFileSync(file("ecdsa"), "ecdsa-sha2-nistp256 AAAAE2Vj\n"), 100);
  const { stdout } = await publish("ecdsa");
  expect(asked).toHaveLength(3);
  expect(stdout.split("\n")).toEqual([
    expect.stringMatching(/^could not publish .*ecdsa_key.pub: .*No such file.*; trying again$/) as string,
    expect.stringContaining("error: 403") as string,
  ]);
}, 60_000);
