/** The files of a company's Pulumi project and of its config repository. Pure apart from reading the templates. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import type { Answers } from "./answers";
import { sshServer } from "../../rules/deploy-keys";

const root = join(__dirname, "../..");
const projectTemplate = join(root, "templates/pulumi-project");
const configTemplate = join(root, "examples/config-repo");

export interface Plan {
  /** Where the Pulumi project goes; its name is the directory's. */
  project: string;
  /** Where the config repository goes, or the folder of the flake that exists. */
  config: string;
  /** The top of its clone. */
  clone: string;
  /** Whether the config repository exists already, so that nothing is written there. */
  hasConfig: boolean;
  stack: string;
  region: string;
  /** What `package.json` names: a version, or whatever npm takes. */
  package: string;
  answers: Answers;
}

/** Absolute path → content of everything that is written. */
export function filesOf(plan: Plan): Record<string, string> {
  return {
    ...prefixed(plan.project, projectFiles(plan)),
    ...(plan.hasConfig ? {} : prefixed(plan.config, configFiles(plan))),
  };
}

function prefixed(directory: string, files: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [join(directory, name), text]));
}

function projectFiles(plan: Plan): Record<string, string> {
  const name = basename(plan.project);
  const texts = Object.entries(read(projectTemplate)).map(([file, text]) => {
    const filled = text
      .replaceAll("${PROJECT}", name)
      .replaceAll("${DESCRIPTION}", "Our NixOS developer VMs on Google Cloud");
    return [file === "gitignore" ? ".gitignore" : file, projectText(file, filled, plan)] as const;
  });
  return { ...Object.fromEntries(texts), [`Pulumi.${plan.stack}.yaml`]: stackText(plan) };
}

function projectText(file: string, text: string, plan: Plan): string {
  switch (file) {
    case "Pulumi.yaml":
      // What `pulumi new` asks is answered already.
      return text.replace(/^template:\n( .*\n)*/m, "");
    case "package.json":
      return text.replace(/("nixos-fleet": )".*"/, (_, key: string) => key + JSON.stringify(plan.package));
    case ".github/workflows/fleet.yml":
    case ".gitlab-ci.yml":
      return text
        .replace(/^( +STACK: ).*$/m, `$1${plan.stack}`)
        .replace(/^( +CONFIG_DIRECTORY: ).*$/m, `$1${basename(plan.clone)}`);
    case "README.md":
      return text
        .replaceAll("stack init prod", `stack init ${plan.stack}`)
        .replaceAll("Pulumi.prod.yaml", `Pulumi.${plan.stack}.yaml`);
    default:
      return text;
  }
}

function configFiles({ answers: { flake: [flake] = [] } }: Plan): Record<string, string> {
  const files = read(configTemplate);
  if (flake === undefined) return files;
  return Object.fromEntries(
    Object.entries(files).map(([name, text]) => [name, text.replaceAll("github:example-org/nixos-fleet", flake)]),
  );
}

/** Name → text of a folder's files. */
function read(directory: string): Record<string, string> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  return Object.fromEntries(files.sort().map((file) => [relative(directory, file), readFileSync(file, "utf8")]));
}

/** The list of VMs as CI has it, which clones the config repository beside the project. */
export function vmsFileInCi({ config, clone }: Plan): string {
  return join("..", basename(clone), relative(clone, config), "vms.json");
}

function stackText({ project, config, clone, region, answers }: Plan): string {
  const {
    project: [id] = [],
    repository: [repository] = [],
    image: [image] = [],
    infra = [],
    developers = [],
  } = answers;
  const line = (key: string, value: string | undefined, what: string) =>
    value === undefined ? `  # ${key}: ${what}` : `  ${key}: ${JSON.stringify(value)}`;
  const folder = relative(clone, config);
  // A line that is a comment is right as soon as its # is gone.
  const none = infra.length + developers.length === 0;
  const list = (key: string, members: string[], example: string) =>
    members.length === 0 ? `  ${none ? "#  " : "  #"} ${key}: [${example}]` : `    ${key}: ${JSON.stringify(members)}`;
  return `# yaml-language-server: $schema=./node_modules/nixos-fleet/docs/reference/settings.schema.json
# Editors that read the schema complete and check every key.
config:
${line("gcp:project", id, "the Google Cloud project that gets the fleet")}
  gcp:region: ${region}
  # One project may have several fleets; \`fleet\` acts on this one.
  nixos-fleet:fleet: devs
${line("nixos-fleet:repository", repository, "where the VMs clone the config repository from")}${folder === "" ? "" : `\n  nixos-fleet:subdirectory: ${JSON.stringify(folder)}`}${keyText(repository)}
  # The machines, as the config repository's own flake reads them.
  nixos-fleet:vmsFile: ${JSON.stringify(relative(project, join(config, "vms.json")))}
  nixos-fleet:defaults:
    machineType: e2-standard-4
${image === undefined ? "    # image: projects/PROJECT/global/images/family/nixos-fleet" : `    image: ${JSON.stringify(image)}`}
  # Who may log in, by OS Login and through IAP: infra as administrators, developers without root. Only these people can log in.
  ${none ? "# " : ""}nixos-fleet:teams:
${list("infra", infra, "group:infra@example.com")}
${list("developers", developers, "group:developers@example.com")}
  nixos-fleet:waves:
    - name: canary
      vms: [dev-canary]
      # Where an update needs a reboot, the canary reboots by itself and proves the update after that.
      reboot: required
      pause: 30m
    - name: rest
      rest: true
      maxFailures: 10%
`;
}

/** What VMs need for a repository by SSH. */
function keyText(repository = ""): string {
  const server = sshServer(repository);
  return server === undefined
    ? ""
    : `
  # The VMs clone it with a key of their own: pulumi config set --secret nixos-fleet:deployKey <deploy-key
  # They accept the server by its host keys, as ssh-keyscan ${server.keyscan} prints them; compare them with those that the server publishes.
  # nixos-fleet:knownHosts: ["${server.knownHosts} ssh-ed25519 AAAA…"]`;
}
