import { createHash } from "node:crypto";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { manifestPath, short } from "../../rules/contract";
import { manifestText, uploadClosure } from "../cache";
import { bucketForm, projectOption, type Call, type Command } from "../command-line/command";
import { openStorage } from "../context";
import { variable } from "../command-line/variable";
import { FleetError, UsageError } from "../errors";
import { evaluateByJobs, hasEvalJobs } from "../repository/eval-jobs";
import { buildAll, closureOf, commitOf, copyTo, copyToCache, evaluateSystems, type System } from "../repository/nix";
import { runProgram } from "../run-program";
import { Progress } from "../command-line/progress";
import { oneLine, plural } from "../../rules/text/text";

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
  usage: "(--bucket NAME | --directory DIRECTORY | --to URL | --push COMMAND) [--key FILE]",
  description: [
    "Builds all hosts of one commit, signs the systems, and puts them into a binary cache together with a manifest. The next",
    "pulumi up of that revision names the manifest in its approvals, and the VMs fetch the systems instead of building them.",
    "It does not build or upload again what the cache has, builds hosts with the same system once, and ignores uncommitted",
    "changes. If nix-eval-jobs is on PATH, it evaluates in as many processes as fit in memory; otherwise one nix evaluates.",
  ],
  examples: [
    "build --flake ../nixos-config --bucket acme-nix-cache --key cache.key",
    "build --directory /srv/cache --key cache.key --revision main",
    "build --to 's3://acme-cache?region=eu-west-1' --key cache.key --builders 'ssh://builder-1 x86_64-linux - 8'",
    "build --push 'cachix push acme'",
  ],
  options: {
    ...commitOptions,
    bucket: {
      value: "NAME",
      form: bucketForm,
      description: "the private bucket that the stack's cache.bucket or cache.existingBucket names",
    },
    directory: {
      value: "DIRECTORY",
      description:
        "a binary cache's directory, which you serve as cache.substituter; beside --to and --push, where the manifest goes",
    },
    to: { value: "URL", description: "a store that nix copy writes, such as s3://BUCKET or ssh://HOST" },
    push: {
      value: "COMMAND",
      description: "a command that uploads the store paths after it, such as 'cachix push acme' or 'attic push acme'",
    },
    key: {
      value: "FILE",
      env: "NIXOS_FLEET_CACHE_KEY",
      complete: "file",
      description: "the secret key that signs (nix key generate-secret); a cache of --push has its own",
    },
    builders: {
      value: "SPEC",
      description: "machines that build, as nix.conf has them; by default those of this machine's nix.conf",
    },
    json: { description: "print the manifest, its digest and what was new as one JSON document" },
    project: projectOption,
  },
  async run(call) {
    const { options, signal, env } = call;
    const run = { signal, env };
    const target = targetOf(call);
    const key = await keyFile(call, "push" in target);
    const commit = await commitOf(options.text("flake") ?? ".", options.text("revision") ?? "HEAD", run);
    // Before the build, which may take hours.
    if ("bucket" in target) await (await openStorage(call)).requireBucket(target.bucket);
    call.printError(`evaluating ${short(commit.revision)}`);
    const systems = await ((await hasEvalJobs(run)) ? evaluateByJobs(commit, run) : evaluateSystems(commit, run));
    const toplevels = toplevelsOf(systems);
    const derivations = [...new Set(Object.values(systems).map(({ derivation }) => `${derivation}^out`))];
    call.printError(
      `building ${plural(derivations.length, "system")} of ${plural(Object.keys(toplevels).length, "host")}`,
    );
    await buildAll(derivations, run, { builders: options.text("builders") });

    const built: Built = {
      paths: [...new Set(Object.values(toplevels))],
      manifest: manifestText(toplevels),
      name: manifestPath(commit.revision),
      key,
    };
    const { where, uploaded } = await publish(call, target, built);
    const { manifest, name, paths } = built;
    const sha256 = createHash("sha256").update(manifest).digest("hex");
    if (options.flag("json")) {
      const hosts = JSON.parse(manifest) as unknown;
      call.print(JSON.stringify({ revision: commit.revision, manifest: name, sha256, hosts, uploaded }, null, 2));
    } else {
      const counts = `${plural(paths.length, "system")} for ${plural(Object.keys(toplevels).length, "host")}`;
      call.print(`${short(commit.revision)}: ${counts} in ${where}`);
    }
    return 0;
  },
};

/** Where what was built goes. */
type Target =
  | { bucket: string }
  | { directory: string }
  | { to: string; manifests: string | undefined }
  | { push: string; manifests: string | undefined };

interface Built {
  paths: readonly string[];
  manifest: string;
  /** The manifest's. */
  name: string;
  key: string | undefined;
}

/** @throws UsageError if it is not one place */
function targetOf({ options }: Call): Target {
  const [bucket, directory, to, push] = ["bucket", "directory", "to", "push"].map((name) => options.text(name));
  const ways = [bucket, to, push].filter((one) => one !== undefined).length;
  const alone = ways === 0 && directory !== undefined;
  const both = bucket !== undefined && directory !== undefined;
  if ((ways !== 1 && !alone) || both) {
    throw new UsageError("build: give one of --bucket, --directory, --to and --push");
  }
  if (to !== undefined) return { to, manifests: directory };
  if (push !== undefined) return { push, manifests: directory };
  return bucket !== undefined ? { bucket } : { directory: directory ?? "" };
}

/** Puts paths and manifest where they go; the manifest last, when all that it names is there. */
async function publish(
  call: Call,
  target: Target,
  { paths, manifest, name, key }: Built,
): Promise<{ where: string; uploaded?: number }> {
  const run = { signal: call.signal, env: call.env };
  if ("to" in target || "push" in target) {
    if ("to" in target) await copyTo(paths, target.to, key, run);
    else await push(call, target.push, paths);
    const where = "to" in target ? target.to : target.push;
    if (target.manifests === undefined) {
      call.printError(
        "no manifest was written (--directory): VMs evaluate for themselves, and fetch what the cache has",
      );
      return { where };
    }
    await writeManifest(join(resolve(target.manifests), name), manifest);
    return { where: `${where}, its manifest in ${target.manifests}` };
  }
  const cache = resolve("directory" in target ? target.directory : join(cacheHome(call), "cache", target.bucket));
  await mkdir(cache, { recursive: true });
  await copyToCache(paths, cache, key ?? "", run);
  if ("directory" in target) {
    await writeManifest(join(cache, name), manifest);
    return { where: cache };
  }
  const storage = await openStorage(call);
  const progress = new Progress(process.stderr);
  const closure = await closureOf(paths, run);
  const uploaded = await uploadClosure(storage, target.bucket, cache, closure, (done, all) =>
    progress.tell(`uploading to gs://${target.bucket}`, done, all),
  );
  await storage.write(target.bucket, name, manifest, "application/json");
  return { where: `gs://${target.bucket}, ${plural(uploaded, "file")} new`, uploaded };
}

async function writeManifest(file: string, manifest: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, manifest);
}

/** Runs a command with the store paths after it. */
async function push({ signal, env }: Call, command: string, paths: readonly string[]): Promise<void> {
  await runProgram("sh", ["-c", `exec ${command} "$@"`, "push", ...paths], { signal, env, progress: true });
}

function toplevelsOf(systems: Record<string, System>): Record<string, string> {
  const toplevels = Object.entries(systems).map(([host, { toplevel }]) => [host, toplevel] as const);
  if (toplevels.length === 0) throw new FleetError("NF212", "this commit has no nixosConfigurations");
  return Object.fromEntries(toplevels);
}

/** @param signs whether the cache signs by itself */
async function keyFile(call: Call, signs: boolean): Promise<string | undefined> {
  const file = call.options.text("key");
  if (file === undefined && signs) return undefined;
  if (file === undefined) {
    throw new UsageError("build: --key is missing: the file of the secret key that signs (nix key generate-secret)");
  }
  const there = await stat(file).catch(() => undefined);
  if (there?.isFile() !== true) throw new UsageError(`build: --key ${oneLine(file, 200)} is not a file`);
  return resolve(file);
}

/** Where the tool keeps what it may lose. */
export function cacheHome(call: Call): string {
  return join(variable(call, "XDG_CACHE_HOME") ?? join(homedir(), ".cache"), "nixos-fleet");
}
