/** Which permissions the caller has on a project: one call of Resource Manager's REST API. */
import * as z from "zod";
import { credentials, type Caller } from "./credentials";
import { requestJson } from "./request";

interface PermissionOptions extends Caller {
  /** The API's root; Google's own by default. Ends with a slash. */
  endpoint?: string | undefined;
  signal: AbortSignal;
}

/** What holds, pins, rollbacks and gates need: they change the project's metadata, which Compute lets only those do who may act as its accounts. */
export const changePermissions: readonly string[] = [
  "compute.projects.setCommonInstanceMetadata",
  "iam.serviceAccounts.actAs",
];

const answerShape = z.object({ permissions: z.array(z.string()).default([]) });

/** Those of these permissions that the caller lacks on the project. May throw an `ApiError`. */
export async function permissionsMissing(
  permissions: readonly string[],
  options: PermissionOptions,
): Promise<string[]> {
  const { project, endpoint, signal } = options;
  const auth = credentials(options, ["cloud-platform.read-only"]);
  const url = `${endpoint ?? "https://cloudresourcemanager.googleapis.com/"}v1/projects/${project}:testIamPermissions`;
  const request = { url, method: "POST", data: { permissions } } as const;
  const has = answerShape.parse(await requestJson(auth, request, endpoint, signal)).permissions;
  return permissions.filter((permission) => !has.includes(permission));
}
