/** The stand-in for the official gcp provider: its table of types, and its configuration. */
import { mistakes, type Failure } from "../core/check";
import type { Log } from "../core/engine-log";
import type { Provider } from "../core/provider";
import type { Typings } from "../core/typings";
import { text, type Props } from "../core/value";
import { Api, OFFICIAL } from "./api";
import { attachedDisk, disk } from "./resources/disk";
import { DOCUMENT_KINDS } from "./documents";
import { IAM_KINDS } from "./resources/iam";
import { image } from "./resources/image";
import { instance } from "./resources/instance";
import { INVOKES } from "./invokes";
import { address, firewall, network, router, subnetwork } from "./resources/network";
import { projectMetadataItem } from "./resources/project-metadata-item";
import { diskResourcePolicyAttachment, resourcePolicy, resourcePolicyAttachment } from "./resources/resource-policy";
import { resource, texts, type Kind, type Settings } from "./resource";
import { rest } from "./rest";
import { customRole } from "./resources/role";
import { routerNat } from "./resources/router-nat";
import { secret, secretVersion } from "./resources/secrets";
import { serviceAccount } from "./resources/service-account";
import { service } from "./resources/services";

const ENDPOINT = "NIXOS_FLEET_COMPUTE_ENDPOINT";
/** `official` makes each change of Compute's as slow as the official provider. */
const PACE = "NIXOS_FLEET_PROVIDER_PACE";

/** Every type that the stand-in knows. */
const KINDS: readonly Kind[] = [
  ...[network, subnetwork, router, firewall, address, instance, disk, image, resourcePolicy].map(rest),
  routerNat,
  projectMetadataItem,
  attachedDisk,
  resourcePolicyAttachment,
  diskResourcePolicyAttachment,
  serviceAccount,
  ...IAM_KINDS,
  customRole,
  service,
  secret,
  secretVersion,
  ...DOCUMENT_KINDS,
];

/** The official provider's environment variables; the first one that is set counts. */
const ENVIRONMENT = {
  project: ["GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT"],
  region: ["GOOGLE_REGION", "GCLOUD_REGION", "CLOUDSDK_COMPUTE_REGION"],
  zone: ["GOOGLE_ZONE", "GCLOUD_ZONE", "CLOUDSDK_COMPUTE_ZONE"],
} as const;

/** Configuration that the engine itself adds. */
const ENGINES = ["version", "pluginDownloadURL"];

export function gcp(typings: Typings, _log: Log, env: NodeJS.ProcessEnv = process.env): Provider {
  let settings = settingsOf({}, env);
  const context = (signal: AbortSignal) => ({ api: apiOf(env, signal), settings });
  const resources = new Map(
    KINDS.map((kind) => [
      kind.token,
      resource(
        kind,
        typings,
        () => settings,
        ({ signal }) => context(signal),
      ),
    ]),
  );
  return {
    name: "gcp",
    version: typings.manifest.version,
    checkConfig: (config) => configFailures(config, typings),
    configure: (config) => {
      settings = settingsOf(config, env);
    },
    resource: (type) => {
      const found = resources.get(type);
      if (!found) throw new Error(`${type}: the local stand-in for the gcp provider does not have this resource type`);
      return found;
    },
    invoke: async (token, args, signal) => {
      const found = INVOKES[token];
      if (!found) throw new Error(`${token}: the local stand-in for the gcp provider does not have this function`);
      const known = found.args === undefined ? {} : typings.exported(...found.args);
      const failures = mistakes(known, args, typings.label);
      return failures.length > 0 ? { failures } : { result: await found.call(args, context(signal)) };
    },
  };
}

function configFailures(config: Props, typings: Typings): Failure[] {
  const known = typings.exported("provider.d.ts", "ProviderArgs");
  return Object.keys(config)
    .filter((key) => !ENGINES.includes(key) && !key.startsWith("__") && !(key in known))
    .map((key) => ({ property: key, reason: `gcp:${key} is no setting that ${typings.label} knows` }));
}

/** The provider's settings; the engine sends objects as JSON. */
export function settingsOf(config: Props, env: NodeJS.ProcessEnv): Settings {
  const one = (key: keyof typeof ENVIRONMENT) => {
    const set =
      text(config, key) ??
      ENVIRONMENT[key].map((name) => env[name]).find((value) => value !== undefined && value !== "");
    return set === undefined ? {} : { [key]: set };
  };
  const attribution = config["addPulumiAttributionLabel"] !== false && config["addPulumiAttributionLabel"] !== "false";
  const given = text(config, "defaultLabels");
  const defaults = given === undefined ? config["defaultLabels"] : (JSON.parse(given) as Props);
  return {
    ...one("project"),
    ...one("region"),
    ...one("zone"),
    labels: { ...(attribution ? { "goog-pulumi-provisioned": "true" } : {}), ...texts(defaults) },
  };
}

function apiOf(env: NodeJS.ProcessEnv, signal: AbortSignal): Api {
  const endpoint = env[ENDPOINT];
  if (endpoint === undefined || endpoint === "")
    throw new Error(
      `${ENDPOINT} is not set: the local stand-in for the gcp provider needs the local cloud's address; run eval "$(./scripts/local env)"`,
    );
  const pace = env[PACE] === "official" ? OFFICIAL : undefined;
  return new Api(
    endpoint.endsWith("/") ? endpoint : `${endpoint}/`,
    env["GOOGLE_OAUTH_ACCESS_TOKEN"] ?? "",
    signal,
    pace,
  );
}
