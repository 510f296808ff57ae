/**
 * Which identity the official gcp provider uses for Google, computed from its settings (`gcp:…` of a stack) and its environment variables.
 * The program, the gates and the tool use the same identity. Pure.
 * Source: the provider's configuration reference, and the order in its function `ProviderConfigure`.
 */
import { defined, parseJson } from "./text/json";

export interface GoogleIdentity {
  /** A bearer token, which takes precedence over credentials. */
  accessToken?: string;
  /** The setting or variable that holds it. */
  accessTokenFrom?: string;
  /** A service account's key as JSON, or the name of its file. Without this and without a token, Application Default Credentials apply. */
  credentials?: string;
  /** The address of the service account that the credentials impersonate. */
  impersonate?: string;
  /** The accounts of the impersonation chain, the first one first. */
  delegates?: readonly string[];
  /** The project whose quota is used and that is billed: the header `X-Goog-User-Project`. */
  quotaProject?: string;
}

type Texts = Readonly<Record<string, string | undefined>>;

/** The stack's settings that define the identity, by their key without `gcp:`. */
export const identitySettings = [
  "accessToken",
  "credentials",
  "impersonateServiceAccount",
  "impersonateServiceAccountDelegates",
  "userProjectOverride",
  "billingProject",
] as const;

/**
 * @param settings values as Pulumi writes them, by full key (`gcp:credentials`); lists are JSON
 * @param project the project that is called if no other project is to be billed
 */
export function googleIdentity(settings: Texts, env: Texts, project: string): GoogleIdentity {
  const set = (key: (typeof identitySettings)[number]) => filled(settings[`gcp:${key}`]);
  const first = (...names: string[]) => names.map((name) => filled(env[name])).find((value) => value !== undefined);
  const own = defined({ ...token(set("accessToken"), "gcp:accessToken"), credentials: set("credentials") });
  // A setting takes precedence over every variable, even over a variable for the other kind of credentials.
  const who = Object.keys(own).length > 0 ? own : fromEnvironment(first);
  const impersonate = set("impersonateServiceAccount") ?? first("GOOGLE_IMPERSONATE_SERVICE_ACCOUNT");
  const override = set("userProjectOverride") ?? first("USER_PROJECT_OVERRIDE");
  const delegates = listOf(set("impersonateServiceAccountDelegates"));
  return {
    ...who,
    ...defined({ impersonate }),
    ...(impersonate === undefined || delegates.length === 0 ? {} : { delegates }),
    ...(isTrue(override) ? { quotaProject: set("billingProject") ?? first("GOOGLE_BILLING_PROJECT") ?? project } : {}),
  };
}

const tokenVariable = "GOOGLE_OAUTH_ACCESS_TOKEN";

function token(accessToken: string | undefined, accessTokenFrom: string) {
  return accessToken === undefined ? {} : { accessToken, accessTokenFrom };
}

function fromEnvironment(first: (...names: string[]) => string | undefined): GoogleIdentity {
  return defined({
    ...token(first(tokenVariable), tokenVariable),
    credentials: first("GOOGLE_CREDENTIALS", "GOOGLE_CLOUD_KEYFILE_JSON", "GCLOUD_KEYFILE_JSON"),
  });
}

function filled(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === "" ? undefined : value;
}

/** The words that Go, and so the provider, reads as true. */
function isTrue(value: string | undefined): boolean {
  return value !== undefined && /^(1|t|true)$/i.test(value);
}

function listOf(json: string | undefined): string[] {
  if (json === undefined) return [];
  const value = parseJson(json);
  return Array.isArray(value) ? value.map(String) : [];
}
