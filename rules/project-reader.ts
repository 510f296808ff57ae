/**
 * The custom role of everyone who may log in to a VM: `gcloud compute ssh` first reads the project, which no role on a VM allows. Its id is
 * followed by a part that differs from role to role. Pure.
 */
export const PROJECT_READER = { id: "nixosFleet.projectReader", permissions: ["compute.projects.get"] };
