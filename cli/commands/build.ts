import { createHash } from "node:crypto";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { manifestPath, short } from "../../rules/contract";
import { manifestText, uploadClosure } from "../cache";
import { projectOption, type Call, type Command } from "../command-line/command";
import { openStorage } from "../context";
import { variable } from "../command-line/variable";
import { FleetError, UsageError } from "../errors";
import { buildAll, closureOf, commitOf, copyToCache, evaluateSystems, type System } from "../repository/nix";
import { Progress } from "../command-line/progress";
import { plural } from "../text";
import { oneLine } from "../../rules/text/text";

/** Which commit of the config repository, as the commands that build take it. */
export const commitOptions = {
  flake: {
    value: "DIRECTORY",
    complete: "directory",
    description: "a clone of the config repository; here by default",
  },
  revision: { value: "REVISION", description: "which commit of it; HEAD by default" },
} as const;

export const command: Command = {
  name: "build",
  usage: "(--bucket NAME | --directory DIRECTORY) --key FILE",
  description: [
    "Builds all hosts of one commit, in one evaluation, signs what comes out, and puts it into a binary cache together with a",
    "manifest. The next pulumi up of that revision names the manifest in its approvals, and the VMs take instead of build.",
    "What the cache has already is not built or sent again. Uncommitted changes have no part in it.",
  ],
  examples: [
    "build --flake ../nixos-config --bucket acme-nix-cache --key cache.key",
    "build --directory /srv/cache --key cache.key --revision main",
  ],
  options: {
    ...commitOptions,
    bucket: { value: "NAME", description: "the private bucket that the stack's cache.bucket names" },
    directory: { value: "DIRECTORY", description: "a binary cache's directory, which you serve as cache.substituter" },
    key: {
      value: "FILE",
      env: "NIXOS_FLEET_CACHE_KEY",
      complete: "file",
      description: "the secret key that signs (nix key generate-secret)",
    },
    json: { description: "print the manifest, its digest and what was new as one JSON document" },
    project: projectOption,
  },
  async run(call) {
    const { options, signal } = call;
    const [bucket, directory] = [options.text("bucket"), options.text("directory")];
    if ((bucket === undefined) === (directory === undefined)) {
      throw new UsageError("build: give either --bucket or --directory");
    }
    const key = await keyFile(call);
    const commit = await commitOf(options.text("flake") ?? ".", options.text("revision") ?? "HEAD", call);
    const progress = new Progress(process.stderr);
    call.printError(`evaluating ${short(commit.revision)}`);
    const systems = await evaluateSystems(commit, { signal });
    const toplevels = toplevelsOf(systems);
    call.printError(`building ${plural(Object.keys(toplevels).length, "host")}`);
    await buildAll([...new Set(Object.values(systems).map(({ derivation }) => `${derivation}^out`))], { signal });

    const cache = resolve(directory ?? join(cacheHome(call), "cache", bucket ?? ""));
    await mkdir(cache, { recursive: true });
    const paths = [...new Set(Object.values(toplevels))];
    await copyToCache(paths, cache, key, signal);
    const manifest = manifestText(toplevels);
    const name = manifestPath(commit.revision);
    let uploaded: number | undefined;
    if (bucket === undefined) {
      await mkdir(dirname(join(cache, name)), { recursive: true });
      await writeFile(join(cache, name), manifest);
    } else {
      const storage = await openStorage(call);
      const closure = await closureOf(paths, signal);
      uploaded = await uploadClosure(storage, bucket, cache, closure, (done, all) =>
        progress.tell(`uploading to gs://${bucket}`, done, all),
      );
      // Last of all: whoever finds it finds everything that it names.
      await storage.write(bucket, name, manifest, "application/json");
    }
    const sha256 = createHash("sha256").update(manifest).digest("hex");
    if (options.flag("json")) {
      const hosts = JSON.parse(manifest) as unknown;
      call.print(JSON.stringify({ revision: commit.revision, manifest: name, sha256, hosts, uploaded }, null, 2));
    } else {
      call.print(
        `${short(commit.revision)}: ${plural(paths.length, "system")} for ${plural(Object.keys(toplevels).length, "host")} in ${bucket === undefined ? cache : `gs://${bucket}, ${plural(uploaded ?? 0, "file")} new`}`,
      );
    }
    return 0;
  },
};

function toplevelsOf(systems: Record<string, System>): Record<string, string> {
  const toplevels = Object.entries(systems).map(([host, { toplevel }]) => [host, toplevel] as const);
  if (toplevels.length === 0) throw new FleetError("this commit has no nixosConfigurations");
  return Object.fromEntries(toplevels);
}

async function keyFile(call: Call): Promise<string> {
  const file = call.options.text("key");
  if (file === undefined) {
    throw new UsageError("build: --key is missing: the file of the secret key that signs (nix key generate-secret)");
  }
  const there = await stat(file).catch(() => undefined);
  if (there?.isFile() !== true) throw new UsageError(`build: --key ${oneLine(file, 200)} is no file`);
  return resolve(file);
}

/** Where the tool keeps what it may lose. */
export function cacheHome(call: Call): string {
  return join(variable(call, "XDG_CACHE_HOME") ?? join(homedir(), ".cache"), "nixos-fleet");
}
