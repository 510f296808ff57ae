import { readdir, stat, mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { short } from "../../rules/contract";
import { guestOsFeatures } from "../../rules/google-catalog";
import { shapes } from "../../rules/shapes";
import { bucketForm, projectOption, type Call, type Command } from "../command-line/command";
import { openProject, openStorage } from "../context";
import { FleetError, UsageError } from "../errors";
import { buildAll, commitOf, installable, type Commit } from "../repository/nix";
import { Progress } from "../command-line/progress";
import type { Storage } from "../google/storage";
import { oneLine } from "../../rules/text/text";
import { cacheHome, commitOptions } from "./build";

const attribute = "packages.x86_64-linux.gce-image";

export const command: Command = {
  name: "image",
  usage: "build | publish --bucket NAME",
  description: [
    "build: builds packages.x86_64-linux.gce-image of one commit of a flake, such as your clone of nixos-fleet.",
    "publish: the same, then uploads the archive to a private bucket and creates an image in its family. The name has the commit;",
    "an archive or image that exists stays as it is. Existing VMs keep their image; only new VMs use this one.",
  ],
  examples: [
    "image build --flake .",
    "image publish --flake . --project acme-dev --bucket acme-images --location europe-west1",
  ],
  options: {
    ...commitOptions,
    flake: { ...commitOptions.flake, description: "a clone of the flake; here by default" },
    bucket: {
      value: "NAME",
      form: bucketForm,
      description: "the private bucket for archives; created if it does not exist",
    },
    location: {
      value: "LOCATION",
      form: { pattern: /^[a-z]+[a-z0-9-]*$/i, right: "a location of Cloud Storage, such as europe-west1" },
      description: "the location of a new bucket, such as europe-west1",
    },
    family: {
      value: "NAME",
      form: { pattern: shapes.computeName, right: "a lower-case letter, then letters, digits or -, 63 at most" },
      description: "the image's family; nixos-fleet by default",
    },
    file: { value: "FILE", complete: "file", description: "publish this archive (*.raw.tar.gz) instead of building" },
    "no-image": { description: "upload only, for a stack whose image.source names the archive" },
    json: { description: "print the archive and the image as one JSON document" },
    project: projectOption,
  },
  positionals: { least: 1, most: 1, verbs: ["build", "publish"] },
  async run(call) {
    const [what] = call.positionals;
    const commit = await commitOf(call.options.text("flake") ?? ".", call.options.text("revision") ?? "HEAD", call);
    const name = imageName(commit);
    const result =
      what === "build" ? { name, archive: await buildImage(call, commit) } : await publish(call, commit, name);
    if (call.options.flag("json")) call.print(JSON.stringify({ revision: commit.revision, ...result }, null, 2));
    else Object.entries(result).forEach(([key, value]) => call.print(`${key}: ${String(value)}`));
    return 0;
  },
};

/** An image's name, the same for the same commit. */
export function imageName({ revision }: Pick<Commit, "revision">): string {
  return `nixos-fleet-${short(revision)}`;
}

/** The archive's path. */
async function buildImage(call: Call, commit: Commit): Promise<string> {
  const links = join(cacheHome(call), "images");
  await mkdir(links, { recursive: true });
  call.printError(`building ${imageName(commit)}`);
  const link = join(links, imageName(commit));
  const [output = link] = await buildAll([installable(commit, attribute)], { signal: call.signal }, { link });
  const archives = (await readdir(output)).filter((name) => name.endsWith(".raw.tar.gz"));
  const [archive] = archives;
  if (archive === undefined || archives.length > 1) {
    throw new FleetError("NF212", `${output} holds ${archives.length === 0 ? "no" : "more than one"} *.raw.tar.gz`);
  }
  return join(output, archive);
}

async function publish(call: Call, commit: Commit, name: string): Promise<Record<string, string | boolean>> {
  const { options } = call;
  const bucket = options.text("bucket");
  if (bucket === undefined) throw new UsageError("image: publish needs --bucket, the private bucket for archives");
  const family = options.text("family") ?? "nixos-fleet";
  const [compute, storage] = await Promise.all([openProject(call), openStorage(call)]);
  const source = `gs://${bucket}/${name}.raw.tar.gz`;
  const withImage = !options.flag("no-image");
  if (withImage && (await compute.hasImage("image", compute.project, name)))
    return { name, family, source, uploaded: false, made: false };

  // Before the build, which takes long.
  const file = await givenArchive(call);
  await storage.requirePrivateBucket(bucket, options.text("location"));
  const archive = file ?? (await buildImage(call, commit));
  const uploaded = await uploadArchive(storage, bucket, `${name}.raw.tar.gz`, archive);
  if (withImage) {
    call.printError(`making the image ${name}`);
    const rawDisk = { source: `https://storage.googleapis.com/${bucket}/${name}.raw.tar.gz` };
    const description = `nixos-fleet, built from ${commit.revision}`;
    await compute.insertImage({ name, family, description, rawDisk, guestOsFeatures });
  }
  return { name, family, source, uploaded, made: withImage };
}

/** The archive that is given; undefined if it is to be built. @throws UsageError if it is none */
async function givenArchive(call: Call): Promise<string | undefined> {
  const file = call.options.text("file");
  if (file === undefined) return undefined;
  const there = await stat(file).catch(() => undefined);
  if (there?.isFile() !== true || !basename(file).endsWith(".tar.gz")) {
    throw new UsageError(`image: --file ${oneLine(file, 200)} is not an archive (*.raw.tar.gz)`);
  }
  return file;
}

/** Whether it had to be uploaded. An interrupted upload leaves no object, so an object of the same size is the same. */
async function uploadArchive(storage: Storage, bucket: string, name: string, archive: string): Promise<boolean> {
  if ((await storage.sizeOf(bucket, name)) === (await stat(archive)).size) return false;
  const progress = new Progress(process.stderr);
  await storage.upload(bucket, name, archive, (sent, size) => progress.tell(`uploading ${name}`, sent, size));
  return true;
}
