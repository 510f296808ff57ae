/** Where the store path of a revision comes from: with signers a manifest cannot replace what the signed commit has. */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { realise } from "../../../../agent/git/source";
import { remoteAccess } from "../../../../agent/git/git";
import { Scratch } from "../scratch";
import { standInDecision, standInDriver } from "../stand-in-driver";

const storePath = (digit: string) => `/nix/store/${digit.repeat(32)}-nixos-system-dev`;
const [named, own] = [storePath("1"), storePath("2")];

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
  const manifest = JSON.stringify({ dev: named });
  writeFileSync(scratch.in("manifest"), manifest);
  scratch.fake("curl", `cp ${scratch.in("manifest")} "$(sed -n 's/^output = "\\(.*\\)"$/\\1/p')"`);
  scratch.fake("nix", `case "\${*: -1}" in *.outPath) echo ${own} ;; *.drvPath) echo ${scratch.in("built-here")} ;; esac`);
  writeFileSync(scratch.in("built-here"), "");
  // What is realised is the link's target.
  scratch.fake("nix-store", 'ln -s "$2" "$4"');
});
afterEach(() => scratch.remove());

function realised(signers: string | undefined): Promise<string> {
  const access = remoteAccess("file");
  const origin = { url: "/origin", branch: "main", access, renew: () => Promise.resolve(undefined) };
  const driver = standInDriver(scratch, { origin: () => Promise.resolve(origin) });
  const sha256 = createHash("sha256")
    .update(JSON.stringify({ dev: named }))
    .digest("hex");
  const target = { revision: "a".repeat(40), explicit: true, manifest: { url: "https://x/m.json", sha256 } };
  const settings = { ...standInDecision.settings, host: "dev", ...(signers === undefined ? {} : { signers }) };
  const request = { stage: () => undefined, dry: false };
  return realise(driver, request as never, { ...standInDecision, settings }, target as never);
}

it("is what the manifest names where nobody has to sign", async () => {
  expect(await realised(undefined)).toBe(named);
  expect(await realised("")).toBe(named);
});

it("is built from the signed commit where the manifest names another one", async () => {
  expect(await realised("infra@example.com ssh-ed25519 AAAA")).toBe(scratch.in("built-here"));
  expect(scratch.log).toContain(`the manifest names ${named}, and the signed commit has ${own}; building`);
});
