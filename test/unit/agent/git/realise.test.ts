/** Where the store path of a revision comes from: with signers a manifest cannot replace what the signed commit has. */
import { createHash } from "node:crypto";
import fs, { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { afterEach, beforeEach, expect, it } from "vitest";
import { realise } from "../../../../agent/git/source";
import { originOf } from "./origin";
import { Scratch } from "../scratch";
import { standInDecision, standInDriver, standInPlace } from "../stand-in-driver";

const storePath = (digit: string) => `/nix/store/${digit.repeat(32)}-nixos-system-dev`;
const [named, own] = [storePath("1"), storePath("2")];

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
  const manifest = JSON.stringify({ dev: named });
  writeFileSync(scratch.in("manifest"), manifest);
  scratch.fake("curl", `cp ${scratch.in("manifest")} "$(sed -n 's/^output = "\\(.*\\)"$/\\1/p')"; echo "0 0 200 " >&2`);
  scratch.fake(
    "nix",
    `case "\${*: -1}" in *.outPath) echo ${own} ;; *.drvPath) echo ${scratch.in("built-here")} ;; esac`,
  );
  writeFileSync(scratch.in("built-here"), "");
  // What is realised is the link's target.
  scratch.fake("nix-store", 'ln -s "$2" "$4"');
});
const { statfsSync } = fs;
afterEach(() => {
  freeBlocks(statfsSync);
  scratch.remove();
});

function freeBlocks(answer: typeof statfsSync): void {
  fs.statfsSync = answer;
  syncBuiltinESMExports();
}

/** What a user leaves who fills the disk: 2 GiB that are root's. */
const filled = (() => ({ bavail: 0, bfree: 2048, bsize: 1024 * 1024, files: 0, ffree: 0 })) as never;

function realised(signers: string | undefined, minimumFree = 0, dry = false): Promise<string> {
  const place = { ...standInPlace(scratch), profile: scratch.in("profiles/system") };
  const driver = standInDriver(scratch, { place, origin: () => Promise.resolve(originOf("/origin")) });
  const sha256 = createHash("sha256")
    .update(JSON.stringify({ dev: named }))
    .digest("hex");
  const target = { revision: "a".repeat(40), explicit: true, manifest: { url: "https://x/m.json", sha256 } };
  const settings = {
    ...standInDecision.settings,
    minimumFree,
    keepGenerations: 2,
    host: "dev",
    ...(signers === undefined ? {} : { signers }),
  };
  const request = { stage: () => undefined, dry };
  return realise(driver, request as never, { ...standInDecision, settings }, target as never);
}

it("is what the manifest names where no one has to sign", async () => {
  expect(await realised(undefined)).toBe(named);
  expect(await realised("")).toBe(named);
});

it("is built from the signed commit where the manifest names another one", async () => {
  expect(await realised("infra@example.com ssh-ed25519 AAAA")).toBe(scratch.in("built-here"));
  expect(scratch.log).toContain(`the manifest names ${named}, and the signed commit has ${own}; building`);
});

it("is fetched where a user has filled the disk, since root has space of its own", async () => {
  freeBlocks(filled);
  expect(await realised(undefined, 1024)).toBe(named);
  await expect(realised(undefined, 4096)).rejects.toThrow("2048 MiB free in /nix/store, minimumFree is 4096 MiB");
});

it("is not built there: builders are users", async () => {
  freeBlocks(filled);
  const ended = realised("infra@example.com ssh-ed25519 AAAA", 1024);
  await expect(ended).rejects.toThrow("0 MiB free in /nix/store, minimumFree is 1024 MiB");
});

it.each([
  ["deletes generations and garbage", false, 2],
  ["deletes nothing if the run only checks", true, 0],
])("where there is too little room %s", async (_, dry, deletions) => {
  freeBlocks(filled);
  for (const program of ["nix-env", "nix-store"]) scratch.fake(program, `echo ${program} >>${scratch.in("deleted")}`);
  mkdirSync(scratch.in("profiles"));
  for (const number of [1, 2, 3]) symlinkSync(`/nix/store/${number}`, scratch.in(`profiles/system-${number}-link`));
  symlinkSync("system-3-link", scratch.in("profiles/system"));
  await expect(realised(undefined, 4096, dry)).rejects.toMatchObject({ stage: "build", cause: "space" });
  const deleted = existsSync(scratch.in("deleted")) ? readFileSync(scratch.in("deleted"), "utf8").trim() : "";
  expect(deleted.split("\n").filter((line) => line !== "")).toHaveLength(deletions);
});
