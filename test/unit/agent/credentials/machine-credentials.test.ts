/** What repositories ask for, out of Secret Manager: root's files, fetched, rotated, and distinguished from what is no key. */
import { readFileSync, statSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { accessFor } from "../../../../agent/credentials/credentials";
import { MachineCredentials } from "../../../../agent/credentials/machine-credentials";
import { fetchSecret } from "../../../../agent/credentials/secrets";
import type { CredentialKind } from "../../../../rules/deploy-keys";
import { Google } from "../google";
import { Scratch } from "../scratch";

const secret = "projects/acme/secrets/config";
const key = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----";

let scratch: Scratch;
let google: Google;
beforeEach(async () => {
  scratch = new Scratch();
  google = await Google.start();
});
afterEach(() => {
  google.stop();
  scratch.remove();
});

describe("a secret", () => {
  const file = () => scratch.in("run/credential");
  const fetch = (kind: CredentialKind | "any" | undefined) =>
    fetchSecret(google.metadataServer(), { secret, place: "the repository", kind, file: file() });

  it("lies in a file that its owner alone reads, with one newline at its end and no carriage return", async () => {
    google.secrets[secret] = `${key.replaceAll("\n", "\r\n")}\r\n\r\n`;
    expect(await fetch("SSH private key")).toBe(true);
    expect(readFileSync(file(), "utf8")).toBe(`${key}\n`);
    expect(statSync(file()).mode & 0o777).toBe(0o400);
  });

  it("says whether it is another one than before", async () => {
    google.secrets[secret] = "one";
    expect([await fetch("token"), await fetch("token")]).toEqual([true, false]);
    google.secrets[secret] = "two";
    expect(await fetch("any")).toBe(true);
    expect(readFileSync(file(), "utf8")).toBe("two\n");
  });

  it.each<[string, CredentialKind | "any" | undefined, string | undefined, string]>([
    ["another kind", "token", key, `${secret} holds no token, which the repository asks for`],
    ["two words", "any", "one two", `${secret} holds no token or SSH private key`],
    ["nothing", "any", "", `${secret} holds no token or SSH private key`],
    [
      "no right to it",
      "token",
      undefined,
      `cannot read the secret ${secret}: Permission 'secretmanager.versions.access' denied`,
    ],
    ["a way that shows it", undefined, "one", `${secret} is not used: the repository would carry it in clear`],
  ])("with %s is not used, in one line", async (_, kind, text, message) => {
    if (text !== undefined) google.secrets[secret] = text;
    await expect(fetch(kind)).rejects.toThrow(message);
    expect(() => readFileSync(file())).toThrow("ENOENT");
  });

  it("cannot be had while no server answers", async () => {
    google.away = true;
    await expect(fetch("token")).rejects.toThrow(
      `cannot read the secret ${secret}: the metadata server returned no token`,
    );
  });
});

describe("the machine's repository", () => {
  const settings = { repository: "https://git.example.com/config.git", branch: "main", deployKeySecret: secret };
  const credentials = () => new MachineCredentials(scratch.in("run"), google.metadataServer());

  it("is reached with its token, which is asked for once", async () => {
    google.secrets[secret] = "one";
    const machine = credentials();
    expect((await machine.origin(settings)).access.config.join(" ")).toContain(scratch.in("run/credential"));
    await machine.origin(settings);
    expect(google.asked).toEqual([`v1/${secret}/versions/latest:access`]);
  });

  it("that refuses gets the token of now, where that is another one", async () => {
    google.secrets[secret] = "one";
    const { renew } = await credentials().origin(settings);
    expect(await renew()).toBeUndefined();
    google.secrets[secret] = "two";
    expect(await renew()).toBeDefined();
    expect(readFileSync(scratch.in("run/credential"), "utf8")).toBe("two\n");
  });

  it("that is another one now is never shown the token of the one before", async () => {
    const moved = { ...settings, repository: "https://git.example.org/config.git" };
    const shown = async (to: { repository: string; branch: string; deployKeySecret?: string }) => {
      const machine = credentials();
      const { access } = await machine.origin(to);
      const keys = await machine.repositoryKeys(to);
      const file = access.config.length === 0 ? undefined : readFileSync(scratch.in("run/credential"), "utf8").trim();
      return [file, ...keys.map((own) => readFileSync(own.file, "utf8").trim())];
    };
    google.secrets[secret] = "one";
    expect(await shown(settings)).toEqual(["one", "one"]);
    expect(await shown({ repository: moved.repository, branch: "main" })).toEqual([undefined]);
    // The token of the other one cannot be had yet.
    const other = "projects/acme/secrets/other";
    expect(await shown({ ...moved, deployKeySecret: other })).toEqual([undefined]);
    google.secrets[other] = "two";
    expect(await shown({ ...moved, deployKeySecret: other })).toEqual(["two", "two"]);
    google.away = true;
    expect(await shown({ ...moved, deployKeySecret: other })).toEqual(["two", "two"]);
    expect(await shown(moved)).toEqual([undefined]);
  });

  it("goes without where there is none, and says why", async () => {
    const machine = credentials();
    expect((await machine.origin(settings)).access.config).toEqual([]);
    expect(machine.problem).toContain(`cannot read the secret ${secret}`);
  });

  it("is reached by its pinned host keys alone", () => {
    const access = accessFor({
      ...{ protocols: "ssh", url: "ssh://git@h/x", credential: "/run/key", knownHosts: "h ssh-ed25519 AAAA" },
      runFolder: scratch.in("run"),
    });
    expect(access.ssh).toContain(`StrictHostKeyChecking=yes -o GlobalKnownHostsFile=/dev/null`);
    expect(access.ssh).toMatch(/-o IdentitiesOnly=yes -i \/run\/key$/);
    expect(access.sshWithoutKey).not.toContain("/run/key");
    expect(readFileSync(scratch.in("run/known_hosts"), "utf8")).toBe("h ssh-ed25519 AAAA\n");
  });
});

describe("the inputs of the flake", () => {
  const [libs, tools] = ["projects/acme/secrets/libs", "projects/acme/secrets/tools"];
  const settings = {
    repository: "ssh://git@git.example.com/infra/config.git",
    branch: "main",
    deployKeySecret: secret,
    deployKeys: { "github.com/acme": libs, "ssh://git@git.example.com/tools": tools },
  };
  const machine = () => new MachineCredentials(scratch.in("run"), google.metadataServer());
  const found = async (credentials = machine()) => {
    await credentials.origin(settings);
    const keys = await credentials.repositoryKeys(settings);
    return keys.map(({ place, file }) => [`${place.host}/${place.path}`, readFileSync(file, "utf8").trim()]);
  };

  it("have their own keys, and after them the repository's for its host", async () => {
    Object.assign(google.secrets, { [secret]: key, [libs]: "token", [tools]: `${key}2` });
    expect(await found()).toEqual([
      ["github.com/acme", "token"],
      ["git.example.com/tools", `${key}2`],
      ["git.example.com/", key],
    ]);
  });

  it("go without one that cannot be had, and take the one of before where no server answers", async () => {
    Object.assign(google.secrets, { [secret]: key, [libs]: "token" });
    expect(await found()).toEqual([
      ["github.com/acme", "token"],
      ["git.example.com/", key],
    ]);
    expect(scratch.log).toContain(`cannot read the secret ${tools}: Permission`);
    google.away = true;
    expect((await found())[0]).toEqual(["github.com/acme", "token"]);
  });

  it("get a key that was changed meanwhile", async () => {
    Object.assign(google.secrets, { [secret]: key, [libs]: "token", [tools]: key });
    await found();
    google.secrets[libs] = "another";
    expect((await found())[0]).toEqual(["github.com/acme", "another"]);
  });
});
