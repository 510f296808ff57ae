/** Which prebuilt system an approval's manifest comes to, and when the agent builds instead; what Nix does with it is tried on machines. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Bench } from "./bash";

const path = `/nix/store/${"1".repeat(32)}-nixos-system-dev`;
const cache = { url: "https://cache.example.com", publicKey: "ours:key" };

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
  bench.fake("curl", `cat ${bench.path("manifest")}`);
  bench.fake("nix-store", `printf '%s ' "$@" >${bench.path("asked")}`);
});
afterEach(() => bench.remove());

/** What is built, or what was said where nothing was; the digest is the manifest's own unless one is given. */
function realise(manifest: unknown, { url = "https://x/m.json", digest = "", settings = {} } = {}): string {
  const text = JSON.stringify(manifest);
  writeFileSync(bench.path("manifest"), text);
  const sha256 = digest === "" ? createHash("sha256").update(text).digest("hex") : digest;
  const told = { host: "dev", ...settings } as Record<string, unknown>;
  const values = Object.entries(told).map(
    ([name, value]) => `[${name}]='${typeof value === "string" ? value : JSON.stringify(value)}'`,
  );
  const { stdout, stderr } = bench.run(
    ["log", "bucket", "build", "prebuilt"],
    `declare -A decision=([manifest]=${url} [manifestDigest]=${sha256}) told=(${values.join(" ")})
    setting() { printf %s "\${told[$1]-}"; }
    realise_prebuilt && echo "$built"`,
  );
  return stdout.trim() || stderr.trim();
}

const asked = () => readFileSync(bench.path("asked"), "utf8");

it("is what the manifest names for this host", () => {
  expect(realise({ dev: path, other: "/nix/store/x" })).toBe(path);
  expect(asked()).toContain(`--realise ${path} `);
});

it("may come from the fleet's cache, signed with the fleet's key", () => {
  realise({ dev: path }, { settings: { cache } });
  expect(asked()).toContain(
    `--option extra-substituters ${cache.url} --option extra-trusted-public-keys ${cache.publicKey} `,
  );
});

describe("is built here", () => {
  it("where the manifest is not the approved one", () => {
    expect(realise({ dev: path }, { digest: "0".repeat(64) })).toContain(
      "not the approved one, by its digest; building",
    );
  });

  it.each([{}, { dev: "" }, { dev: "/etc/passwd" }, { dev: `${path} --option x y` }, { dev: [path] }, [path]])(
    "where it names no store path: %j",
    (manifest) => {
      expect(realise(manifest)).toContain("the manifest names no store path for dev; building");
    },
  );

  it("where its address is none of http", () => {
    expect(realise({ dev: path }, { url: "file:///m.json" })).toContain("must be http(s); building");
  });

  it("where it does not come", () => {
    bench.fake("curl", "exit 22");
    expect(realise({ dev: path })).toContain("the manifest does not come; building");
  });

  it("where Nix cannot have the path, with Nix's reason", () => {
    bench.fake(
      "nix-store",
      `printf '%s\\n' "warning: ignoring substitute for '${path}' from 'x', as it's not signed" "error: build of '${path}' failed" >&2; exit 1`,
    );
    expect(realise({ dev: path })).toContain(
      "prebuilt; building: warning: ignoring substitute for it from 'x', as it's not",
    );
  });
});
