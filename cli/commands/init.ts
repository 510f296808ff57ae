import { existsSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { projectOption, type Call, type Command } from "../command-line/command";
import { UsageError } from "../errors";
import { answerOptions, answers } from "../init/answers";
import { cloneOf, packageSpec } from "../init/places";
import { filesOf, vmsFileInCi, type Plan } from "../init/project";
import { isConfigClone, requireEmpty, writeAll } from "../init/write";
import { shapes } from "../../rules/shapes";
import { plural } from "../../rules/text/text";

const root = join(__dirname, "../..");

/** What builds the package. Only a clone has it: who runs the package has the tool by npm. */
const packer = join(root, "scripts/pack");

export const command: Command = {
  name: "init",
  usage: "DIRECTORY [--stack STACK] [--project PROJECT] [--repository URL] [OPTION…]",
  description: [
    "Writes two new directories: a Pulumi project of your own that uses this package, and beside it the config repository that",
    "its VMs follow. Both have CI for GitHub and GitLab. Then prints the next steps. On a terminal it asks for missing values;",
    "values that are still missing become comments in the stack's file. It overwrites nothing: with a clone of an existing config",
    "repository as --config-directory it writes only the project, and says what to add to the flake.",
  ],
  examples: [
    "init my-fleet",
    "init my-fleet --config-directory ~/nixos-config",
    "init my-fleet --project acme-dev --repository https://git.example.com/nixos-config.git --infra group:infra@example.com",
  ],
  options: {
    stack: {
      value: "STACK",
      form: { pattern: shapes.keyPart, right: "a name such as prod, of 30 characters at most" },
      description: "the stack's name; prod by default",
    },
    region: {
      value: "REGION",
      form: { pattern: shapes.region, right: "a region such as europe-west1" },
      description: "where the VMs are; europe-west1 by default",
    },
    ...answerOptions,
    "config-directory": {
      value: "DIRECTORY",
      complete: "directory",
      description:
        "where the config repository goes, or the folder of your flake in its clone; DIRECTORY-config by default",
    },
    package: {
      value: "SPEC",
      description: "what package.json names: a version, a tarball or a git URL; this tool's own by default",
    },
    json: { description: "print what was written, and what is next, as one JSON document" },
    project: projectOption,
  },
  positionals: { least: 1, most: 1, complete: "directory" },
  async run(call) {
    const plan = await readPlan(call);
    const files = filesOf(plan);
    writeAll(files);
    const next = nextSteps(plan);
    const { project: directory, config: configDirectory } = plan;
    const written = Object.keys(files).sort();
    const lines = call.options.flag("json")
      ? [JSON.stringify({ directory, configDirectory, files: written, next }, null, 2)]
      : [
          `${plural(written.length, "file")} in ${shown(directory)}${plan.hasConfig ? `; ${shown(configDirectory)} stays as it is` : ` and ${shown(configDirectory)}`}`,
          "",
          ...next.map((step, index) => `${index + 1}. ${step}`),
        ];
    lines.forEach(call.print);
    return 0;
  },
};

async function readPlan(call: Call): Promise<Plan> {
  const { options, positionals } = call;
  const project = resolve(positionals[0] ?? "");
  const config = resolve(options.text("config-directory") ?? `${project}-config`);
  if (!/^[a-z0-9][-._a-z0-9]*$/i.test(project.replace(/^.*\//, "")))
    throw new UsageError("init: the directory's name becomes the project's: letters, digits, -, _ and . only");
  if (`${config}/`.startsWith(`${project}/`) || `${project}/`.startsWith(`${config}/`))
    throw new UsageError("init: the project and the config repository are two directories, neither inside the other");
  requireEmpty(project);
  const hasConfig = isConfigClone(config);
  return {
    project,
    config,
    clone: hasConfig ? cloneOf(config) : config,
    hasConfig,
    stack: options.text("stack") ?? "prod",
    region: options.text("region") ?? "europe-west1",
    package: options.text("package") ?? ownPackage(project),
    answers: await answers(call),
  };
}

/** The package that this tool is of, or that the clone which it runs in builds. */
function ownPackage(project: string): string {
  const spec = packageSpec(root, project);
  return existsSync(packer) ? `file:${relative(project, join(root, `build/nixos-fleet-${spec}.tgz`))}` : spec;
}

function nextSteps(plan: Plan): string[] {
  const { project, stack, clone, hasConfig, package: spec, answers: given } = plan;
  const stackFile = shown(join(project, `Pulumi.${stack}.yaml`));
  const open = [
    ...(given.project === undefined ? ["gcp:project"] : []),
    ...(given.repository === undefined ? ["nixos-fleet:repository"] : []),
    ...(given.infra === undefined && given.developers === undefined
      ? ["nixos-fleet:teams (no one can log in yet)"]
      : []),
    ...(hasConfig ? ["nixos-fleet:waves (your canary)"] : []),
  ];
  return [
    ...configSteps(plan),
    ...(open.length === 0 ? [] : [`set ${open.join(", ")} in ${stackFile}`]),
    ...(spec.startsWith("file:") && existsSync(packer)
      ? [`build the package that package.json names: ${shown(packer)}`]
      : []),
    "log in: gcloud auth application-default login, and pulumi login where the state goes",
    `in ${shown(project)}: npm install && pulumi stack init ${stack} && npx fleet doctor; with the state in a bucket, give stack init the --secrets-provider of README.md`,
    "pulumi up, then npx fleet status",
    `for CI: the roles and variables are in ${shown(join(project, "README.md"))}${spec.startsWith("file:") ? "; the package has to be where CI can install it" : ""}`,
    ...(dirname(clone) === dirname(project)
      ? []
      : [
          `for CI, too: it has the config repository beside the project, so move or link your clone to ${shown(join(dirname(project), basename(clone)))} and set nixos-fleet:vmsFile to ${vmsFileInCi(plan)}`,
        ]),
  ];
}

/** What is left to do in the config repository. */
function configSteps({ config, hasConfig, answers: { flake, repository } }: Plan): string[] {
  const place = `push it to ${repository?.[0] ?? "where the VMs can clone it"}`;
  if (hasConfig) {
    const input = `the input ${flake?.[0] ?? "nixos-fleet"}`;
    const guide = shown(join(root, "docs/moving.md"));
    return [
      `in ${shown(config)}, add ${input}, nixosModules.dev-vm to each VM's host, and vms.json: ${guide}, "An existing flake"`,
      `there: nix flake lock, commit, and ${place}`,
    ];
  }
  return [
    `in ${shown(config)}, ${flake === undefined ? "set nixos-fleet's URL in flake.nix, and " : "set "}your machines and people in vms.json, hosts/ and homes/`,
    `there: git init -b main && git add . && nix flake lock && git add flake.lock && git commit -m "Our machines and homes", and ${place}`,
  ];
}

/** A path as it is shortest from here. */
function shown(path: string): string {
  const near = relative(process.cwd(), path);
  return near !== "" && near.length < path.length ? near : path;
}
