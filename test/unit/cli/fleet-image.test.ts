/** `fleet image publish` of an archive that is there, against the local cloud. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serve, type Served } from "../local/client";
import { memoryCloud } from "../local/local-machines";
import { runFleet } from "./run-fleet";

let scratch: string;
let served: Served;
let revision: string;
beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), "fleet-image-"));
  served = await serve(memoryCloud(undefined, undefined, join(scratch, "objects")));
  const git = (...args: string[]) => execFileSync("git", ["-C", scratch, ...args], { encoding: "utf8" }).trim();
  git("init", "--quiet");
  git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--allow-empty", "--message", "x");
  revision = git("rev-parse", "HEAD");
  writeFileSync(join(scratch, "image.raw.tar.gz"), "an archive");
});
afterEach(() => {
  served.close();
  rmSync(scratch, { recursive: true });
});

async function fleet(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const origin = new URL(served.url).origin;
  const { code, out, err } = await runFleet(args, {
    NIXOS_FLEET_COMPUTE_ENDPOINT: `${origin}/compute/v1/`,
    NIXOS_FLEET_STORAGE_ENDPOINT: origin,
    GOOGLE_OAUTH_ACCESS_TOKEN: "t",
    GOOGLE_CLOUD_PROJECT: "local-project",
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

const publish = (...more: string[]) =>
  fleet(...["image", "publish", "--flake", scratch, "--file", join(scratch, "image.raw.tar.gz"), "--json"], ...more);

it("makes bucket, object and image, and nothing twice", async () => {
  const name = `nixos-fleet-${revision.slice(0, 7)}`;
  const first = await publish("--bucket", "acme", "--location", "europe-west1");
  expect(first.code, first.err).toBe(0);
  const expected = { revision, name, family: "nixos-fleet", source: `gs://acme/${name}.raw.tar.gz` };
  expect(JSON.parse(first.out)).toEqual({ ...expected, uploaded: true, made: true });
  const { data } = await served.api.images.getFromFamily({ project: "local-project", family: "nixos-fleet" });
  expect(data).toMatchObject({ name, guestOsFeatures: [{ type: "UEFI_COMPATIBLE" }, { type: "GVNIC" }] });

  expect(JSON.parse((await publish("--bucket", "acme")).out)).toEqual({ ...expected, uploaded: false, made: false });
});

it("uploads once where the image is the stack's, and makes the image of what lies there after a run that was broken off", async () => {
  const uploaded = await publish("--bucket", "acme", "--location", "europe-west1", "--no-image");
  expect(JSON.parse(uploaded.out)).toMatchObject({ uploaded: true, made: false });
  expect(JSON.parse((await publish("--bucket", "acme")).out)).toMatchObject({ uploaded: false, made: true });
});

describe("a bucket that is not there", () => {
  it("is named before an image is built for it", async () => {
    const { code, err } = await fleet("image", "publish", "--flake", scratch, "--bucket", "acme");
    expect([code, err]).toEqual([
      2,
      "there is no bucket gs://acme; give --location, such as europe-west1, to create it",
    ]);
  });

  it("is named before hosts are built for it", async () => {
    const key = ["--key", join(scratch, "image.raw.tar.gz")];
    const { code, err } = await fleet("build", "--flake", scratch, "--bucket", "acme", ...key);
    expect(code).toBe(1);
    expect(err).toMatch(
      /^there is no bucket gs:\/\/acme; pulumi up creates the one of nixos-fleet:cache\.bucket \[NF204\]$/,
    );
  });
});

it.each([
  [["image", "destroy"], 'image: unknown subcommand "destroy"; it must be build or publish'],
  [["image", "publish", "--flake", "."], "image: publish needs --bucket"],
  [["image", "build", "--flake", "/"], "/ is not a git repository with the commit HEAD"],
  [["image", "build", "--flake", ".", "--revision", "nope"], "with the commit nope"],
  [["build"], "build: give one of --bucket, --directory, --to and --push"],
  [["build", "--bucket", "acme", "--directory", "b"], "build: give one of"],
  [["build", "--to", "a", "--push", "b"], "build: give one of"],
  [["build", "--to", "s3://a"], "build: --key is missing"],
  [["build", "--bucket", "acme"], "build: --key is missing"],
  [["build", "--bucket", "acme", "--key", "/nowhere"], "build: --key /nowhere is not a file"],
  [["build", "--bucket", "Acme"], "build: --bucket is Acme; it must be a bucket's name"],
  [["image", "publish", "--bucket", "gs://acme"], "image: --bucket is gs://acme; it must be a bucket's name"],
  [["image", "publish", "--family", "My NixOS"], "image: --family is My NixOS; it must be a lower-case letter"],
  [["image", "publish", "--location", "in Europe"], "image: --location is in Europe; it must be a location"],
])("%j says what is wrong", async (args, line) => {
  const { code, err } = await fleet(...args);
  expect(code).not.toBe(0);
  expect(err).toContain(line);
});
