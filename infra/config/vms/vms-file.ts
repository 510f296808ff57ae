/** The list of VMs in a file of its own, which the configuration repository's flake also reads (`lib.mkFleet`). */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { foldersUp } from "../../../rules/text/folders-up";
import { parseJson } from "../../../rules/text/json";
import { reasonOf } from "../../../rules/text/system-error";
import { checkConfig, type Checked, type RawConfig } from "../fleet-config";

const VMS = "nixos-fleet:vms";
const FILE = "nixos-fleet:vmsFile";

/**
 * Every mistake of a stack's configuration, including its list of VMs, or its settings. Never throws.
 * @param directory the base of relative paths
 * @param encrypted full keys of the values that Pulumi keeps as secrets, if known
 * @param root the project's folder, with Pulumi.yaml; a program may run in another one
 */
export function checkStack(
  written: RawConfig,
  stack: string,
  directory: string,
  encrypted: readonly string[] | undefined,
  root = directory,
): Checked {
  const { raw, mistakes: unread } = withVmsFile(written, directory);
  const checked = checkConfig(raw, stack, encrypted, settingsFiles(root, stack));
  if (unread.length === 0) return checked;
  // If the list of VMs could not be read, "no VMs" is not a second mistake.
  const others = checked.mistakes.filter((line) => !line.startsWith(`${VMS}:`));
  return { ...(checked.source ? { source: checked.source } : {}), mistakes: [...unread, ...others] };
}

/** The text of the project's file and of the stack's. None where neither is, as with a program of the Automation API. */
function settingsFiles(root: string, stack: string): string[] {
  const names = ["Pulumi", `Pulumi.${stack}`].flatMap((name) => [`${name}.yaml`, `${name}.yml`, `${name}.json`]);
  try {
    return readdirSync(root)
      .filter((name) => names.includes(name))
      .map((name) => readFileSync(resolve(root, name), "utf8"));
  } catch {
    return [];
  }
}

/**
 * The raw configuration with the list in place of the file's name, or one mistake. `directory` is the base of a relative path.
 * `checkConfig` checks the content of the list. Never throws.
 */
export function withVmsFile(raw: RawConfig, directory: string): { raw: RawConfig; mistakes: string[] } {
  const { [FILE]: file, ...rest } = raw;
  if (file === undefined || file === "") return { raw: rest, mistakes: [] };
  // Pulumi gives an empty list if the stack names none.
  if (![undefined, "", "[]"].includes(rest[VMS]))
    return {
      raw: rest,
      mistakes: [`${FILE}: "${file}" and ${VMS} must not both be set: the VMs are listed in one place`],
    };
  const path = resolve(directory, file);
  try {
    const list = JSON.parse(readFileSync(path, "utf8")) as unknown;
    return { raw: { ...rest, [VMS]: JSON.stringify(list) }, mistakes: [] };
  } catch (error) {
    return {
      raw: rest,
      mistakes: [
        `${FILE}: "${file}" must be a readable JSON file with a list of VMs: ${reasonOf(error).replaceAll("\n", " ")}`,
      ],
    };
  }
}

/** The list's file as it is written in the settings, its path in the clone that it is in, and its content. */
export interface ListInClone {
  file: string;
  path: string;
  list: unknown;
}

/** The file with the list, if there is one and it is in a clone. Never throws. */
export function listInClone({ [FILE]: file = "" }: RawConfig, directory: string): ListInClone | undefined {
  if (file === "") return undefined;
  const path = resolve(directory, file);
  const clone = foldersUp(dirname(path)).find((folder) => existsSync(join(folder, ".git")));
  return clone === undefined ? undefined : { file, path: relative(clone, path), list: readList(path) };
}

function readList(path: string): unknown {
  try {
    return parseJson(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
