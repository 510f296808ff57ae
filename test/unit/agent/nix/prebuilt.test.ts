/** Which prebuilt system an approval's manifest comes to, and when the agent builds instead; what Nix does with it is tried on machines. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { realisePrebuilt } from "../../../../agent/nix/prebuilt";
import { systemPlace } from "../../../../agent/system/system-place";
import { Scratch } from "../scratch";

const path = `/nix/store/${"1".repeat(32)}-nixos-system-dev`;
const cache = { url: "https://cache.example.com", publicKey: "ours:key" };

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
  // What curl is to write where is in the configuration on its standard input; how it went is on its standard error.
  scratch.fake("curl", `cp ${scratch.in("manifest")} "$(sed -n 's/^output = "\\(.*\\)"$/\\1/p')"; echo "0 0 200 " >&2`);
  scratch.fake("nix-store", `printf '%s ' "$@" >${scratch.in("asked")}`);
});
afterEach(() => scratch.remove());

interface Options {
  url?: string;
  /** The manifest's own where absent. */
  digest?: string;
  settings?: object;
  ofCommit?: string;
}

function realise(manifest: unknown, { url = "https://x/m.json", digest, settings = {}, ofCommit }: Options = {}) {
  const text = JSON.stringify(manifest);
  writeFileSync(scratch.in("manifest"), text);
  const sha256 = digest ?? createHash("sha256").update(text).digest("hex");
  const place = { ...systemPlace(), stateFolder: scratch.in("state"), runFolder: scratch.in("run") };
  const signed = ofCommit === undefined ? undefined : () => Promise.resolve(ofCommit);
  return realisePrebuilt({ host: "dev", ...settings }, { url, sha256 }, scratch.in("built"), place, signed);
}

const asked = () => readFileSync(scratch.in("asked"), "utf8");

it("is what the manifest names for this host", async () => {
  expect(await realise({ dev: path, other: "/nix/store/x" })).toBe(path);
  expect(asked()).toContain(`--realise ${path} `);
});

it("may come from the fleet's cache, signed with the fleet's key", async () => {
  await realise({ dev: path }, { settings: { cache } });
  expect(asked()).toContain(
    `--option extra-substituters ${cache.url} --option extra-trusted-public-keys ${cache.publicKey} `,
  );
});

const download = "warning: error: unable to download 'https://cache.example.com/x.narinfo': ";

it.each(["HTTP error 503", "HTTP error 429", "Timeout was reached (28)", "Failed to connect to cache.example.com"])(
  "is asked for again where a server does not answer: %s",
  async (why) => {
    // Else Nix' own three tries are as many as a server that hangs gets.
    process.env["NIXOS_AUTO_UPDATE_PAUSE"] = "0.1";
    const tried = scratch.in("tried");
    scratch.fake("nix-store", `[ -e ${tried} ] && exit; touch ${tried}; echo "${download}${why}" >&2; exit 1`);
    expect(await realise({ dev: path })).toBe(path);
    expect(scratch.log).toContain("realising again in about 0 s: warning: error: unable to download");
  },
);

it("is realised also if the server fails after the download of other files has taken long", async () => {
  process.env["NIXOS_AUTO_UPDATE_PAUSE"] = "0.05";
  const tried = scratch.in("tried");
  scratch.fake(
    "nix-store",
    `[ -e ${tried} ] && exit; touch ${tried}; sleep 2; echo "${download}HTTP error 503" >&2; exit 1`,
  );
  expect(await realise({ dev: path })).toBe(path);
});

it("is what the signed commit itself has", async () => {
  expect(await realise({ dev: path }, { ofCommit: path })).toBe(path);
});

describe("is built here", () => {
  it("where the server does not answer for long, with its reason", async () => {
    scratch.fake("nix-store", `echo x >>${scratch.in("tries")}; echo "${download}HTTP error 503" >&2; exit 1`);
    expect(await realise({ dev: path })).toBeUndefined();
    expect(scratch.log).toMatch(/is not available prebuilt; building: .*HTTP error 503/);
  });

  it("where it is another one than the signed commit has", async () => {
    const own = `/nix/store/${"2".repeat(32)}-nixos-system-dev`;
    expect(await realise({ dev: path }, { ofCommit: own })).toBeUndefined();
    expect(scratch.log).toContain(`the manifest names ${path}, and the signed commit has ${own}; building`);
    expect(existsSync(scratch.in("asked"))).toBe(false);
  });

  it("where the manifest is not the approved one", async () => {
    expect(await realise({ dev: path }, { digest: "0".repeat(64) })).toBeUndefined();
    expect(scratch.log).toContain("not the approved one, by its digest; building");
  });

  it.each([{}, { dev: "" }, { dev: "/etc/passwd" }, { dev: `${path} --option x y` }, { dev: [path] }, [path]])(
    "where it names no store path: %j",
    async (manifest) => {
      expect(await realise(manifest)).toBeUndefined();
      expect(scratch.log).toContain("the manifest names no store path for dev; building");
    },
  );

  it("where its address is none of http", async () => {
    expect(await realise({ dev: path }, { url: "file:///m.json" })).toBeUndefined();
    expect(scratch.log).toContain("must be http(s); building");
  });

  it("where it is gone", async () => {
    scratch.fake("curl", 'echo "0 0 404 " >&2');
    expect(await realise({ dev: path })).toBeUndefined();
    expect(scratch.log).toContain("the manifest is not there; building");
  });

  it.each([
    ['echo "0 0 503 " >&2', "https://x/m.json: HTTP 503"],
    ['echo "0 28 000 Operation timed out" >&2; exit 28', "https://x/m.json: Operation timed out"],
    ["exit 4", "https://x/m.json: curl ended with status 4"],
  ])("after some tries where the cache is away: %s", async (curl, why) => {
    scratch.fake("curl", `echo x >>${scratch.in("tries")}; ${curl}`);
    expect(await realise({ dev: path })).toBeUndefined();
    expect(scratch.log).toContain(`the cache is away; building: ${why}`);
    expect(readFileSync(scratch.in("tries"), "utf8").split("\n").length).toBeGreaterThan(3);
  });

  it("where Nix cannot have the path, with Nix's reason", async () => {
    scratch.fake(
      "nix-store",
      `printf '%s\\n' "warning: ignoring substitute for '${path}' from 'x', as it's not signed" "error: build of '${path}' failed" >&2; exit 1`,
    );
    expect(await realise({ dev: path })).toBeUndefined();
    expect(scratch.log).toContain("prebuilt; building: warning: ignoring substitute for it from 'x', as it's not");
    expect(scratch.log).not.toContain("again");
  });
});
