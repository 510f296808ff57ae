/** The list of VMs in a clone of the config repository, beside the one that is pushed. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { listInClone } from "../../../infra/config/vms/vms-file";
import { listWarning } from "../../../infra/preflight/pushed-list";
import { resolveRevision } from "../../../infra/preflight/revision";

const list = (...names: string[]) => JSON.stringify(names.map((name) => ({ name })));
const identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
let scratch: string;
const at = (name: string) => join(scratch, name);
const git = (folder: string, ...args: string[]) => execa("git", [...identity, ...args], { cwd: at(folder) });

async function push(folder: string, vms: string): Promise<void> {
  writeFileSync(join(at(folder), "vms.json"), vms);
  await git(folder, "add", ".");
  await git(folder, "commit", "--quiet", "--message", "x");
  await git(folder, "push", "--quiet", "origin", "main");
}

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "nixos-fleet-pushed-list-"));
  await execa({ cwd: scratch })`git init --quiet --bare --initial-branch=main server.git`;
  for (const one of ["ann", "bob"]) await execa({ cwd: scratch })`git clone --quiet server.git ${one}`;
  await execa({ cwd: scratch })`git init --quiet program`;
  writeFileSync(join(at("ann"), "flake.lock"), '{"version":7,"root":"root","nodes":{"root":{}}}');
  await git("ann", "checkout", "--quiet", "-B", "main");
  await push("ann", list("dev-ann"));
  await git("bob", "pull", "--quiet", "origin", "main");
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const warned = async (file: string, more: Record<string, string> = {}) => {
  const repository = at("server.git");
  const raw = { "nixos-fleet:vmsFile": file, ...more };
  const local = listInClone(raw, at("program"));
  const head = await resolveRevision(repository, "main", undefined, { besides: local?.path });
  return local && listWarning(local, head);
};

it("is named where someone else has pushed since, and not once it is pulled", async () => {
  expect(await warned("../bob/vms.json")).toBeUndefined();
  await push("ann", list("dev-ann", "dev-zoe"));
  expect(await warned("../bob/vms.json")).toMatch(
    /^nixos-fleet:vmsFile: "\.\.\/bob\/vms\.json" differs from what is pushed \([0-9a-f]{7}\): pull it, or push yours; this run takes back what only the pushed one has$/,
  );
  await git("bob", "pull", "--quiet", "origin", "main");
  expect(await warned("../bob/vms.json")).toBeUndefined();
});

it("is named where it is not pushed yet, whatever its spaces", async () => {
  writeFileSync(at("ann/vms.json"), JSON.stringify(JSON.parse(list("dev-ann", "dev-zoe")), null, 2));
  expect(await warned("../ann/vms.json")).toBeUndefined();
  writeFileSync(at("ann/vms.json"), list("dev-ann"));
  expect(await warned("../ann/vms.json")).toContain("differs from what is pushed");
});

it("may be elsewhere: in the program's own repository, in none, or in the settings", async () => {
  writeFileSync(at("program/machines.json"), list("dev-ann"));
  writeFileSync(at("vms.json"), list("dev-ann"));
  for (const file of ["machines.json", "../vms.json", "nowhere.json", ""]) expect(await warned(file)).toBeUndefined();
});
