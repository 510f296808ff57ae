/** Resource Manager's view of a project: its number. */
import type { Host } from "./hosts";

export const project: Host = (store, { method, pathname }) => {
  const { name, number, creationTimestamp } = store.state.project;
  if (method !== "GET" || pathname !== `/cloudresourcemanager/v1/projects/${name}`) return undefined;
  return {
    projectId: name,
    projectNumber: number,
    name,
    createTime: creationTimestamp,
    lifecycleState: "ACTIVE",
  };
};
