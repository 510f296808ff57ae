/** A fleet with a provider of its own reads its cache as that provider does. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Provider } from "@pulumi/gcp/provider";
import * as pulumi from "@pulumi/pulumi";
import { expect, it, onTestFinished, vi } from "vitest";
import { readSettings } from "../../../infra/preflight/settings";

it("reads the cache's bucket and its manifest with the provider that it is given", async () => {
  const repository = mkdtempSync(join(tmpdir(), "nixos-fleet-own-provider-"));
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(repository, { recursive: true, force: true });
  });
  const git = (...args: string[]) => execFileSync("git", args, { cwd: repository });
  git("init", "--quiet", "--initial-branch=main");
  writeFileSync(join(repository, "flake.lock"), "{}");
  git("add", ".");
  git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message=x");
  vi.stubEnv("GIT_CONFIG_COUNT", "1");
  vi.stubEnv("GIT_CONFIG_KEY_0", `url.${repository}.insteadOf`);
  vi.stubEnv("GIT_CONFIG_VALUE_0", "https://git.example.com/config.git");
  const asked: string[] = [];
  await pulumi.runtime.setMocks({
    newResource: ({ name, inputs }) => ({ id: name, state: inputs as object }),
    call: ({ token, provider }) => {
      asked.push(
        `${token.replace(/^.*:/, "")} by ${/[^:]*::[^:]*$/.exec(provider ?? "")?.[0] ?? "the default provider"}`,
      );
      return { labels: {}, content: '{"dev-alice":"/nix/store/x"}' };
    },
  });
  const raw = {
    "gcp:project": "acme-dev",
    "gcp:region": "europe-west1",
    "nixos-fleet:repository": "https://git.example.com/config.git",
    "nixos-fleet:cache": JSON.stringify({ existingBucket: "acme-cache", publicKey: `acme-1:${"A".repeat(43)}=` }),
    "nixos-fleet:vms": JSON.stringify([{ name: "dev-alice" }]),
  };
  const provider = new Provider("devs");
  await readSettings({ raw, encrypted: [] }, "dev", repository, repository, { provider });
  expect(asked).toEqual(["getBucket by devs::devs", "getBucketObjectContent by devs::devs"]);
});
