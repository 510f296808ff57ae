/** One call of a REST API of Google's for which the tool has no client. */
import type { gaxios } from "google-auth-library";
import { requestOptions, type Credentials } from "./credentials";
import { withRetry } from "./retry";

/** The JSON that answers it; asked twice at most. May throw an `ApiError`. @param endpoint where requests go instead of to Google */
export async function requestJson(
  auth: Credentials,
  request: gaxios.GaxiosOptions,
  endpoint: string | undefined,
  signal?: AbortSignal,
): Promise<unknown> {
  const options = { timeout: 10_000, ...(signal ? { signal } : {}), ...requestOptions(endpoint) };
  return (await withRetry(() => auth.request<unknown>({ ...request, ...options }), { attempts: 2, signal })).data;
}
