import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { projectOption, type Call, type Command } from "../command";
import { FleetError, messageOf, UsageError } from "../errors";
import { oneLine, plural } from "../text";

const root = join(__dirname, "../..");
const example = join(root, "examples/config-repo");

export const command: Command = {
  name: "init",
  usage: "[DIRECTORY] [--stack STACK] [--project PROJECT] [--repository URL]",
  description: [
    "Writes a config repository into an empty or new directory (here by default) and Pulumi.STACK.yaml beside the program,",
    "and says what to do next. It overwrites nothing and asks nothing; what is not given is left open in the stack's file.",
  ],
  examples: [
    "init ../nixos-config",
    "init ../nixos-config --stack acme --project acme-dev --repository https://git.example.com/nixos-config.git",
  ],
  options: {
    stack: { value: "STACK", description: "the stack's name; prod by default" },
    region: { value: "REGION", description: "where the VMs are; europe-west1 by default" },
    repository: { value: "URL", description: "where the VMs clone the config repository from" },
    "stack-directory": {
      value: "DIRECTORY",
      description: "where the stack's file goes; beside the program by default",
    },
    json: { description: "print what was written, and what is next, as one JSON document" },
    project: projectOption,
  },
  positionals: { least: 0, most: 1 },
  run(call) {
    const settings = readSettings(call);
    const { directory, stackFile } = settings;
    requireEmpty(directory);
    if (existsSync(stackFile)) {
      throw new FleetError(oneLine(`${stackFile} is there already; --stack names another one`, 400));
    }
    const files = writeAll(settings);
    const next = nextSteps(settings);
    const lines = call.options.flag("json")
      ? [JSON.stringify({ directory, files, stackFile, next }, null, 2)]
      : [
          `${plural(files.length, "file")} in ${shown(directory)}, and ${shown(stackFile)}`,
          "",
          ...next.map((step, index) => `${index + 1}. ${step}`),
        ];
    lines.forEach(call.print);
    return Promise.resolve(0);
  },
};

interface Settings {
  directory: string;
  stack: string;
  stackFile: string;
  region: string;
  project: string | undefined;
  repository: string | undefined;
}

function readSettings({ options, positionals }: Call): Settings {
  const directory = resolve(positionals[0] ?? ".");
  const stack = checked(
    options.text("stack") ?? "prod",
    "stack",
    /^[a-z0-9](-?[a-z0-9]){0,29}$/,
    "a name such as prod",
  );
  const region = options.text("region") ?? "europe-west1";
  const [project, repository] = [options.text("project"), options.text("repository")];
  return {
    directory,
    stack,
    stackFile: join(resolve(options.text("stack-directory") ?? root), `Pulumi.${stack}.yaml`),
    region: checked(region, "region", /^[a-z]+-[a-z]+\d+$/, "a region such as europe-west1"),
    project:
      project &&
      checked(project, "project", /^([a-z0-9.]+:)?[a-z][-a-z0-9]{4,28}[a-z0-9]$/, "a project's id, such as acme-dev"),
    repository:
      repository &&
      checked(
        repository,
        "repository",
        /^(https?|ssh|git):\/\/\S+$|^[\w.-]+@[\w.-]+:\S+$/,
        "an http(s), ssh or git URL",
      ),
  };
}

function checked(value: string, option: string, pattern: RegExp, right: string): string {
  if (!pattern.test(value)) {
    throw new UsageError(`init: --${option} is ${oneLine(value, 80)}; it must be ${right}`);
  }
  return value;
}

function requireEmpty(directory: string): void {
  let names: string[] = [];
  try {
    names = readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
      throw new UsageError(oneLine(`init: ${directory} is no directory to write to: ${messageOf(error)}`, 400));
    }
  }
  if (names.length > 0) {
    throw new UsageError(oneLine(`init: ${directory} is not empty; name a new or an empty directory`, 400));
  }
}

/** Writes both, or neither; the names of the config repository's files. */
function writeAll(settings: Settings): string[] {
  const { directory, stackFile } = settings;
  const made = mkdirSync(directory, { recursive: true });
  try {
    cpSync(example, directory, { recursive: true, errorOnExist: true, force: false });
    writeFileSync(stackFile, stackText(settings), { flag: "wx" });
  } catch (error) {
    // It was empty, so that all of it is ours.
    if (made === undefined)
      readdirSync(directory).forEach((name) => rmSync(join(directory, name), { recursive: true }));
    else rmSync(made, { recursive: true });
    throw new FleetError(oneLine(`nothing was written: ${messageOf(error)}`, 400));
  }
  const names = readdirSync(directory, { recursive: true, withFileTypes: true });
  return names
    .filter((one) => one.isFile())
    .map((one) => relative(directory, join(one.parentPath, one.name)))
    .sort();
}

function stackText({ directory, project, region, repository }: Settings): string {
  const vmsFile = relative(root, join(directory, "vms.json"));
  const open = (key: string, value: string | undefined, what: string) =>
    value === undefined ? `  # ${key}: ${what}` : `  ${key}: ${JSON.stringify(value)}`;
  return `# Every key is in Pulumi.dev.yaml, every rule of waves in docs/rollouts.md.
config:
${open("gcp:project", project, "the Google project that gets the fleet")}
  gcp:region: ${region}
${open("nixos-fleet:repository", repository, "where the VMs clone the config repository from")}
  # The machines, as the config repository's own flake reads them.
  nixos-fleet:vmsFile: ${JSON.stringify(vmsFile)}
  nixos-fleet:waves:
    - name: canary
      vms: [dev-canary]
      pause: 30m
    - name: rest
      rest: true
      maxFailures: 10%
`;
}

function nextSteps({ directory, stack, stackFile, project, repository }: Settings): string[] {
  const open = [
    ...(project === undefined ? ["gcp:project"] : []),
    ...(repository === undefined ? ["nixos-fleet:repository"] : []),
  ];
  return [
    `in ${shown(directory)}, set nixos-fleet's URL in flake.nix, and your machines and people in vms.json, hosts/ and homes/`,
    `git init -b main && git add . && nix flake lock && git add flake.lock && git commit -m "Our machines and homes", and push it to ${repository ?? "where the VMs can clone it"}`,
    ...(open.length === 0 ? [] : [`set ${open.join(" and ")} in ${shown(stackFile)}`]),
    `pulumi stack init ${stack} && ./scripts/fleet doctor --stack ${stack}`,
    "pulumi up",
  ];
}

/** A path as it is shortest from here. */
function shown(path: string): string {
  const near = relative(process.cwd(), path);
  return near !== "" && near.length < path.length ? near : path;
}
