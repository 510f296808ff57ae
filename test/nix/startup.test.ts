/**
 * The startup script on an image without the agent, under a real Nix: the configuration's flake and its inputs are private, and each of their
 * servers is shown its own key or token and no other.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type Server } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { accessByKeys } from "../../agent/credentials/repository-keys";
import { startupScript } from "../../infra/startup";
import { image } from "../../nix/tests/image";
import { parseKeyPlace } from "../../rules/deploy-keys";
import { Repository } from "../unit/agent/scratch";
import { certificate } from "../../local/certificate";
import { httpsGit, type Door } from "../../local/https-git";
import { runInImage, runNix, type NixEnd } from "./real-nix";

const root = mkdtempSync(join(tmpdir(), "startup-nix-"));
const served = join(root, "served");
const sshKey = "-----BEGIN OPENSSH PRIVATE KEY-----\nssh-key-text\n-----END OPENSSH PRIVATE KEY-----\n";

/** What each folder of the git server lets in. */
const doors: Record<"infra" | "libs" | "tools", Door> = {
  infra: { accepted: "x-access-token:token-own", shown: [] },
  libs: { accepted: "x-access-token:token-libs", shown: [] },
  tools: { accepted: "deployer:token-tools", shown: [] },
};
let secrets: Record<string, string>;
let item: Record<string, unknown>;

const servers: Server[] = [];
let host: string;
let metadataHost: string;
let ca: string;

async function listen(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  return `localhost:${(server.address() as AddressInfo).port}`;
}

/** In the place of ssh: says which key it was given, and answers from this machine's own /tmp. */
const ssh = `#!/bin/sh
while [ $# -gt 1 ]; do [ "$1" != -i ] || key=$2; shift; done
sed -n 's/^ssh-key-text$/ssh was given its key/p' "\${key:-/dev/null}" >&2
exec sh -c "$1"
`;

/** In the place of the agent: what it is started with, and what was left for it. */
const agent = '#!/bin/sh\necho "agent $*"\nls /run/nixos-fleet\ncat /run/nixos-fleet/known_hosts\nenv\n';

beforeAll(async () => {
  const tls = certificate(root, ["localhost"]);
  ca = tls.file;
  for (const name of ["infra/config.git", "libs/a.git", "tools/b.git", "ssh/c.git"]) {
    mkdirSync(join(served, name), { recursive: true });
    new Repository(join(served, name)).commit(name, "what");
  }
  const gits = Object.entries(doors).map(([name, door]) => [`/${name}/`, httpsGit(served, tls, door)] as const);
  const git = createServer(tls, (request, response) => {
    gits.find(([start]) => request.url?.startsWith(start) === true)?.[1].emit("request", request, response);
  });
  host = await listen(git);
  metadataHost = await listen(
    createHttpServer((request, response) => {
      const { url = "" } = request;
      const secret = /^\/v1\/(.*)\/versions\/latest:access$/.exec(url)?.[1];
      const answers: Record<string, object | undefined> = {
        "/computeMetadata/v1/instance/attributes/nixos-fleet": item,
        "/computeMetadata/v1/instance/service-accounts/default/token": { access_token: "vm-token" },
      };
      const text = secret === undefined ? undefined : secrets[secret];
      const data = text === undefined ? undefined : { payload: { data: Buffer.from(text).toString("base64") } };
      const answer = answers[url] ?? (request.headers.authorization === "Bearer vm-token" ? data : undefined);
      response.writeHead(answer === undefined ? 404 : 200).end(JSON.stringify(answer));
    }),
  );

  const config = new Repository(join(served, "infra/config.git"));
  const system = process.arch === "arm64" ? "aarch64-linux" : "x86_64-linux";
  config.commit(
    `{
      inputs.a = { url = "git+https://${host}/libs/a.git"; flake = false; };
      inputs.b = { url = "git+https://${host}/tools/b.git"; flake = false; };
      inputs.c = { url = "git+ssh://git@code.internal${served}/ssh/c.git"; flake = false; };
      outputs = { self, a, b, c }: {
        nixosConfigurations.vm.config.services.nixos-auto-update.package = derivation {
          name = "agent"; system = "${system}"; builder = "/bin/sh";
          inputs = map (input: builtins.readFile (input + "/what")) [ a b c ];
          script = builtins.toFile "agent" ${JSON.stringify(agent)};
          args = [ "-c" "/bin/mkdir -p $out/bin; echo $inputs >$out/bin/inputs; /bin/cp $script $out/bin/nixos-auto-update; /bin/chmod +x $out/bin/nixos-auto-update" ];
        };
      };
    }`,
    "flake.nix",
  );
  if (image === undefined) return;
  const keys = Object.entries({ libs: "token-libs", tools: "deployer:token-tools" }).map(([name, text]) => {
    writeFileSync(join(root, name), `${text}\n`);
    return { place: parseKeyPlace(`${host}/${name}`) ?? expect.fail(name), file: join(root, name) };
  });
  writeFileSync(join(root, "ssh"), ssh);
  const { env = {} } = accessByKeys(join(root, "access"), `sh ${root}/ssh`, keys);
  const locked = await runNix(["flake", "lock", `path:${served}/infra/config.git`], { GIT_SSL_CAINFO: ca, ...env });
  expect(locked).toMatchObject({ status: 0 });
  config.commit(readFileSync(join(served, "infra/config.git/flake.lock"), "utf8"));
});
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(root, { recursive: true });
});

beforeEach(() => {
  for (const door of Object.values(doors)) door.shown = [];
  secrets = { own: "token-own", libs: "token-libs", tools: "deployer:token-tools", c: sshKey.replaceAll("\n", "\r\n") };
  item = {
    ...{ fleet: "devs", stack: "dev", host: "vm", branch: "main", repository: `https://${host}/infra/config.git` },
    deployKeySecret: "own",
    deployKeys: { [`${host}/libs`]: "libs", [`https://${host}/tools/b.git`]: "tools", "code.internal": "c" },
  };
});

/** The first boot, up to where the agent takes over. */
async function boot(): Promise<NixEnd> {
  writeFileSync(join(root, "startup"), startupScript());
  const variables = {
    GCE_METADATA_HOST: metadataHost,
    NIXOS_AUTO_UPDATE_SECRET_MANAGER: `http://${metadataHost}`,
    GIT_SSL_CAINFO: ca,
  };
  const prepare = `mkdir -p run/nixos-fleet run/current-system/sw/bin
    install -m 755 ${root}/ssh run/current-system/sw/bin/ssh; cp ${root}/startup run/nixos-fleet`;
  return runInImage(["sh", "/run/nixos-fleet/startup", "bootstrap"], variables, prepare);
}

describe.skipIf(image === undefined)("a first boot on another image", () => {
  it("shows each private input its own key, and hands over with nothing secret left", async () => {
    const { status, stdout, stderr } = await boot();
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stdout).toMatch(/^agent bootstrap$/m);
    expect(stderr).toContain("ssh was given its key");
    for (const door of Object.values(doors)) expect(new Set(door.shown)).toEqual(new Set([door.accepted]));
    expect(`${stdout}${stderr}`).not.toMatch(/token-(own|libs|tools)|vm-token|ssh-key-text/);
    expect(stdout).not.toMatch(/^(keys$|GIT_(?!SSL)|NIX_CONFIG|GNUPG)/m);
  });

  it("shows the repository its own key by ssh, which its host's other repositories get as well", async () => {
    item["repository"] = `git@CODE.internal:${served}/infra/config.git`;
    item["deployKeySecret"] = "c";
    item["deployKeys"] = { [`${host}/libs`]: "libs", [`${host}/tools`]: "tools" };
    // Of which the script's shell may read no word as its own.
    const knownHosts = "code.internal ssh-ed25519 AAAA Ann's \"laptop\" $(id) `id` \\ '";
    item["knownHosts"] = `${knownHosts}\nother.internal ssh-ed25519 BBBB`;
    const { status, stdout, stderr } = await boot();
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stdout).toMatch(/^agent bootstrap$/m);
    expect(stdout).toContain(`\n${knownHosts}\nother.internal ssh-ed25519 BBBB`);
    expect(stderr.match(/ssh was given its key/g)?.length).toBeGreaterThanOrEqual(2);
    expect(doors.infra.shown).toEqual([]);
  });

  it("says which secret cannot be had, or is not what its place asks for, and shows it to no one", async () => {
    delete secrets["libs"];
    secrets["tools"] = sshKey;
    const { status, stderr } = await boot();
    expect(status).toBe(1);
    expect(stderr).toContain("nixos-fleet: libs/versions/latest cannot be had\n");
    expect(stderr).toContain(`nixos-fleet: tools is not what https://${host}/tools/b.git asks for; not used\n`);
    expect(stderr).toContain("the agent cannot be built");
    expect(doors.tools.shown).not.toContain("x-access-token:-----BEGIN OPENSSH PRIVATE KEY-----");
  });
});
