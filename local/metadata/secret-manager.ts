/** Secret Manager for VMs: it accepts tokens from the metadata server, and returns the secrets that the token's account may read. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiError } from "../api/errors";
import { secrets } from "../api/services/secret-manager";
import type { Store } from "../api/store";
import type { Instance } from "../api/types";
import type { Identify } from "./server";
import { token } from "./tree";

const ACCESS = /^\/v1\/(?<secret>projects\/[^/]+\/secrets\/[^/]+)\/versions\/[^/:]+:access$/;
const ROLE = "roles/secretmanager.secretAccessor";

/** Answers a VM's request. */
export function secretManager(store: Store, identify: Identify) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const { status, body } = answer(store, identify(request), request);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
}

function answer(store: Store, vm: Instance | undefined, request: IncomingMessage): { status: number; body: unknown } {
  const { pathname } = new URL(request.url ?? "/", "http://secretmanager");
  const { secret } = ACCESS.exec(pathname)?.groups ?? {};
  if (request.method !== "GET" || secret === undefined) return failure(404, "Not Found");
  if (!vm || request.headers.authorization !== `Bearer ${token(vm, store.now()).access_token}`)
    return failure(401, "Request had invalid authentication credentials.");
  if (!mayRead(store, vm, secret))
    return failure(
      403,
      `Permission 'secretmanager.versions.access' denied for resource '${secret}' (or it may not exist).`,
    );
  try {
    const asked = { method: "GET", pathname: `/secretmanager${pathname}`, query: new URLSearchParams(), body: {} };
    return { status: 200, body: secrets(store, asked) };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return failure(error.code, error.message);
  }
}

function mayRead(store: Store, { serviceAccounts = [] }: Instance, secret: string): boolean {
  const bindings = store.state.iam?.policies[secret] ?? [];
  return bindings.some(
    ({ role, members }) =>
      role === ROLE &&
      Array.isArray(members) &&
      serviceAccounts.some(({ email }) => members.includes(`serviceAccount:${email}`)),
  );
}

function failure(code: number, message: string): { status: number; body: unknown } {
  return { status: code, body: { error: { code, message } } };
}
