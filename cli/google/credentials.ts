/** Who calls Google's APIs, and where: what the clients of the tool have in common. */
import { GoogleAuth, OAuth2Client, type JWTInput } from "google-auth-library";
import { UsageError } from "../errors";

export type Credentials = OAuth2Client | GoogleAuth;

/** A bearer token where one is given, otherwise Application Default Credentials with these scopes (`compute`, `logging.read`). */
export function credentials(
  { token, project }: { token?: string | undefined; project: string },
  scopes: readonly string[],
): Credentials {
  if (token === undefined) {
    // Without the project the library would look for one, by gcloud and by the metadata server.
    return new GoogleAuth({
      ...serviceAccount(process.env["GOOGLE_CREDENTIALS"]),
      projectId: project,
      scopes: scopes.map((scope) => `https://www.googleapis.com/auth/${scope}`),
    });
  }
  const client = new OAuth2Client();
  client.setCredentials({ access_token: token });
  return client;
}

/**
 * A service account as the gcp provider's `GOOGLE_CREDENTIALS` gives it: the key as JSON, or the name of its file; none where it is not set.
 * @throws UsageError where it looks like JSON and is none
 */
export function serviceAccount(given: string | undefined): { credentials?: JWTInput; keyFilename?: string } {
  if (given === undefined || given.trim() === "") return {};
  if (!given.trim().startsWith("{")) return { keyFilename: given };
  try {
    return { credentials: JSON.parse(given) as JWTInput };
  } catch {
    throw new UsageError(
      "GOOGLE_CREDENTIALS begins like JSON and is none; set it to a service account's key or to its file",
    );
  }
}

/**
 * How a request goes to an API of Google's or to the endpoint in its place. Retries are ours: they know about Google's reasons and end
 * with the command. An endpoint of one's own is asked without a proxy.
 */
export function asking(endpoint: string | undefined): { retry: false; noProxy?: string[] } {
  return { retry: false, ...(endpoint === undefined ? {} : { noProxy: [new URL(endpoint).hostname] }) };
}

/**
 * The account's address. Undefined where the credentials do not say it: a bare token belongs to whoever set it, and the caller
 * knows that better than Google.
 */
export async function accountOf(auth: Credentials): Promise<string | undefined> {
  if (auth instanceof OAuth2Client) {
    return undefined;
  }
  const { client_email: address } = await auth.getCredentials();
  if (address !== undefined) {
    return address;
  }
  const token = await auth.getAccessToken();
  return token == null ? undefined : (await new OAuth2Client().getTokenInfo(token)).email;
}
