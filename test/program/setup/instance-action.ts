/** What someone does to a VM in Google's console. */
export type Action = "start" | "stop" | "reset" | "delete";

/**
 * Begins it; the operation that it becomes is not waited for.
 * @param endpoint of the Compute API, `…/compute/v1/`
 */
export async function instanceAction(endpoint: string, name: string, action: Action): Promise<void> {
  const path = `${endpoint}projects/local-project/zones/europe-west1-b/instances/${name}`;
  const headers = { authorization: "Bearer local" };
  const { ok, status } = await (action === "delete"
    ? fetch(path, { method: "DELETE", headers })
    : fetch(`${path}/${action}`, { method: "POST", headers }));
  if (!ok) throw new Error(`${action} ${name}: ${status}`);
}
