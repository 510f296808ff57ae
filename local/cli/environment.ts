/** The shell environment in which plain `pulumi`, `git` and `fleet` reach the local cloud. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { project, type State } from "./paths";

interface DaemonInfo {
  pid: number;
  endpoint: string;
  project: string;
}

/** What the running daemon reports about itself. @throws if none runs */
export function daemonInfo(state: Pick<State, "daemonInfo">): DaemonInfo {
  if (!existsSync(state.daemonInfo)) throw new Error("the local cloud is not up: run ./scripts/local up");
  return JSON.parse(readFileSync(state.daemonInfo, "utf8")) as DaemonInfo;
}

/** The directory of the Pulumi engine; builds it the first time, with its progress on stderr. */
export async function engine(): Promise<string> {
  const { stdout } = await execa({ stderr: "inherit" })`${join(project, "tools/build-engine")}`;
  return stdout;
}

/** How fast the stand-in for the gcp provider reports a change: at once, or after 10 s like the official provider. */
export type Pace = "quick" | "official";

/** The stand-ins for the Pulumi plugins, and `fleet`; they come after the engine on PATH. */
export const plugins = join(project, "local/plugins/bin");

/** Variables to set, including PATH. Builds the engine if it is missing. */
export async function environment(state: State, pace: Pace = "quick"): Promise<Record<string, string>> {
  const own = variables(state, daemonInfo(state), pace);
  return { PATH: [await engine(), plugins, process.env["PATH"] ?? ""].join(":"), ...own };
}

/** Variables to set, apart from PATH. */
export function variables(
  state: State,
  { endpoint, project: cloudProject }: Pick<DaemonInfo, "endpoint" | "project">,
  pace: Pace,
): Record<string, string> {
  return {
    PULUMI_BACKEND_URL: `file://${state.pulumi}`,
    PULUMI_CONFIG_PASSPHRASE: "",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // A type check at every run takes a minute on two cores; ./scripts/test does it once.
    PULUMI_NODEJS_TRANSPILE_ONLY: "true",
    GOOGLE_CLOUD_PROJECT: cloudProject,
    // For gcloud too; its requests go through no proxy.
    CLOUDSDK_CORE_PROJECT: cloudProject,
    CLOUDSDK_AUTH_ACCESS_TOKEN: "nixos-fleet-local-cloud",
    CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: endpoint,
    // Not `local`: if a value names a file or folder, the official provider reads it as a path.
    GOOGLE_OAUTH_ACCESS_TOKEN: "nixos-fleet-local-cloud",
    NIXOS_FLEET_COMPUTE_ENDPOINT: endpoint,
    // Updates take seconds here, and no quota limits how often reports are read.
    NIXOS_FLEET_READ_INTERVAL: "1s",
    NIXOS_FLEET_PROVIDER_PACE: pace,
    NIXOS_FLEET_LOGGING_ENDPOINT: new URL("/logging/", endpoint).href,
    NIXOS_FLEET_SERVICEUSAGE_ENDPOINT: new URL("/serviceusage/", endpoint).href,
    NIXOS_FLEET_RESOURCEMANAGER_ENDPOINT: new URL("/cloudresourcemanager/", endpoint).href,
    NIXOS_FLEET_STORAGE_ENDPOINT: new URL(endpoint).origin,
    NIXOS_FLEET_CONFIG_CLONE: state.configClone,
    // The operator's git reaches the VMs' config repository by the same URL as the VMs.
    GIT_CONFIG_COUNT: "2",
    GIT_CONFIG_KEY_0: `url.${state.repositories}/.insteadOf`,
    GIT_CONFIG_VALUE_0: "git://git.internal/",
    GIT_CONFIG_KEY_1: `url.${state.repositories}/.insteadOf`,
    GIT_CONFIG_VALUE_1: "https://git.internal/",
  };
}

const quote = (value: string) => `'${value.replaceAll("'", `'\\''`)}'`;

/** Lines for `eval` that undo those of `exports`, even if the cloud is down. */
export function unsets(state: State, path: string): string {
  const names = Object.keys(variables(state, { endpoint: "http://127.0.0.1/", project: "" }, "quick"));
  return [`unset ${names.join(" ")}`, `export PATH=${quote(withoutOurs(path))}`].join("\n");
}

/** PATH without the engine and the plugins that `environment` puts before it, however often it did so. */
function withoutOurs(path: string): string {
  const entries = path.split(":");
  return entries.filter((entry, index) => entry !== plugins && entries[index + 1] !== plugins).join(":");
}

/** Lines for `eval`. */
export function exports(variables: Record<string, string>): string {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}=${quote(value)}`)
    .join("\n");
}
