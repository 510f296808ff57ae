/** An API that a project has switched on. */
import { text } from "../../core/value";
import type { Kind } from "../resource";

/** Id: project and service, as in the official provider. */
export const service: Kind = {
  token: "gcp:projects/service:Service",
  args: ["projects/service.d.ts", "ServiceArgs"],
  fields: {
    service: {},
    // The provider's own field: what a delete does.
    disableOnDestroy: { own: true, inPlace: true },
    disableDependentServices: { own: true, inPlace: true },
  },
  computed: ["id"],
  create: async (inputs, { project }, { api }) => {
    const name = text(inputs, "service") ?? "";
    await api.send({ method: "POST", path: `${pathOf(project, name)}:enable` });
    return { id: `${project}/${name}`, state: { ...inputs, project, id: `${project}/${name}` } };
  },
  read: async (id, inputs, { api }) => {
    const [project = "", name = ""] = id.split("/");
    const found = await api.find(pathOf(project, name));
    return found?.["state"] === "ENABLED" ? { ...inputs, service: name, project, id } : undefined;
  },
  update: (id, { inputs }) => Promise.resolve({ ...inputs, id }),
  delete: async (id, state, { api }) => {
    if (state["disableOnDestroy"] !== true) return;
    const [project = "", name = ""] = id.split("/");
    await api.send({ method: "POST", path: `${pathOf(project, name)}:disable` });
  },
};

function pathOf(project: string, name: string): string {
  return `/serviceusage/v1/projects/${project}/services/${name}`;
}
