/** Who calls Google's APIs, and at which address: what the tool's clients have in common. */
import { readFileSync } from "node:fs";
import { GoogleAuth, Impersonated, OAuth2Client, type gaxios, type JWTInput } from "google-auth-library";
import type { GoogleIdentity } from "../../rules/google-identity";
import { FleetError, UsageError } from "../errors";
import { messageOf, reasonOf } from "../../rules/text/system-error";
import { oneLine } from "../../rules/text/text";

export type Credentials = OAuth2Client | GoogleAuth;

/** What each client of an API needs in order to know the caller. */
export interface Caller {
  project: string;
  /** By default Application Default Credentials. */
  identity?: GoogleIdentity | undefined;
  /** Root of the IAM Credentials API, which issues another account's token; Google's own by default. */
  iamEndpoint?: string | undefined;
}

/** Credentials with these scopes (`compute`, `logging.read`). @throws UsageError if they cannot be read */
export function credentials({ project, identity = {}, iamEndpoint }: Caller, scopes: readonly string[]): Credentials {
  const { impersonate, delegates = [], quotaProject } = identity;
  const quota = quotaProject === undefined ? {} : { quotaProjectId: quotaProject };
  if (impersonate === undefined) return direct(identity, project, addresses(scopes), quota);
  return new Impersonated({
    sourceClient: new Lender(direct(identity, project, addresses(["cloud-platform"]), {}), impersonate, iamEndpoint),
    targetPrincipal: impersonate,
    delegates: [...delegates],
    targetScopes: addresses(scopes),
    ...quota,
    ...(iamEndpoint === undefined ? {} : { endpoint: iamEndpoint.replace(/\/$/, "") }),
  });
}

function addresses(scopes: readonly string[]): string[] {
  return scopes.map((scope) => `https://www.googleapis.com/auth/${scope}`);
}

/** Credentials that act as themselves. */
function direct(
  { accessToken, accessTokenFrom, credentials: key }: GoogleIdentity,
  project: string,
  scopes: string[],
  clientOptions: { quotaProjectId?: string },
): Credentials {
  // Without the project, the library would look for one by gcloud and by the metadata server.
  if (accessToken === undefined)
    return new GoogleAuth({ ...serviceAccount(key), projectId: project, scopes, clientOptions });
  return new Token(accessToken, accessTokenFrom, clientOptions);
}

/** A token that someone set. Nothing renews it, and it takes precedence over every login. */
class Token extends OAuth2Client {
  constructor(
    accessToken: string,
    private readonly from = "the access token",
    clientOptions: { quotaProjectId?: string } = {},
  ) {
    super(clientOptions);
    this.setCredentials({ access_token: accessToken });
  }

  protected override async requestAsync<T>(options: gaxios.GaxiosOptions): Promise<gaxios.GaxiosResponse<T>> {
    try {
      return await super.requestAsync<T>(options);
    } catch (error) {
      if ((error as { status?: unknown }).status !== 401) throw error;
      const renew = this.from.startsWith("gcp:")
        ? `gcloud auth print-access-token | pulumi config set --secret ${this.from}`
        : `export ${this.from}="$(gcloud auth print-access-token)"`;
      throw new FleetError(
        "NF203",
        `Google refuses the token of ${this.from} (HTTP 401); it may have expired. Renew it: ${renew}; without it your login counts`,
      );
    }
  }
}

/** The credentials that request another account's token. They are read on first use. */
class Lender extends OAuth2Client {
  constructor(
    private readonly source: Credentials,
    private readonly account: string,
    private readonly endpoint: string | undefined,
  ) {
    super();
  }

  override async getAccessToken(): Promise<{ token?: string | null }> {
    const token = await this.source.getAccessToken();
    return typeof token === "string" ? { token } : (token ?? {});
  }

  protected override async requestAsync<T>(options: gaxios.GaxiosOptions): Promise<gaxios.GaxiosResponse<T>> {
    try {
      return await this.source.request<T>({ ...options, ...requestOptions(this.endpoint) });
    } catch (error) {
      const { status } = error as { status?: unknown };
      if (status !== 403 && status !== 404) throw error;
      throw new FleetError(
        "NF203",
        oneLine(
          `cannot act as ${this.account}: HTTP ${status}: ${messageOf(error)}; grant roles/iam.serviceAccountTokenCreator on it`,
          400,
        ),
      );
    }
  }
}

/**
 * A service account's key as the gcp provider takes it: JSON or the name of its file; undefined if none is set.
 * @throws UsageError if it looks like JSON but is not, or if its file cannot be read
 */
export function serviceAccount(given: string | undefined): { credentials?: JWTInput } {
  if (given === undefined || given.trim() === "") return {};
  const where = "gcp:credentials or GOOGLE_CREDENTIALS";
  const inline = given.trim().startsWith("{");
  let text = given;
  try {
    if (!inline) text = readFileSync(given, "utf8");
    return { credentials: JSON.parse(text) as JWTInput };
  } catch (error) {
    const why = inline ? "it begins like JSON and is none" : `${oneLine(given, 100)}: ${reasonOf(error)}`;
    throw new UsageError(`${where}: ${why}; set it to a service account's key or to its file`);
  }
}

/**
 * How to send a request to one of Google's APIs or to the endpoint in its place. Retries are ours: they know about Google's reasons and
 * end with the command. A custom endpoint is called without a proxy.
 */
export function requestOptions(endpoint: string | undefined): { retry: false; noProxy?: string[] } {
  return { retry: false, ...(endpoint === undefined ? {} : { noProxy: [new URL(endpoint).hostname] }) };
}

/**
 * The account's address; undefined if the credentials do not contain it. A bare token belongs to the person who set it, and the caller
 * knows that person better than Google does.
 */
export async function accountOf(auth: Credentials): Promise<string | undefined> {
  if (auth instanceof Impersonated) return auth.getTargetPrincipal();
  if (auth instanceof OAuth2Client) return undefined;
  const { client_email: address } = await auth.getCredentials();
  if (address !== undefined) {
    return address;
  }
  const token = await auth.getAccessToken();
  return token == null ? undefined : (await new OAuth2Client().getTokenInfo(token)).email;
}
