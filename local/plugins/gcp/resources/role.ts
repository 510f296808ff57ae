/** Custom roles of a project. */
import { text, type Props } from "../../core/value";
import type { Kind } from "../resource";

const fields = {
  roleId: {},
  title: { inPlace: true },
  description: { inPlace: true },
  permissions: { inPlace: true, unordered: true },
} as const;

/** Id: `projects/P/roles/R`. A deleted role is undeleted, as the official provider does, while IAM still has it. */
export const customRole: Kind = {
  token: "gcp:projects/iAMCustomRole:IAMCustomRole",
  args: ["projects/iamcustomRole.d.ts", "IAMCustomRoleArgs"],
  fields,
  computed: ["id", "name", "deleted"],
  create: async (inputs, { project }, { api }) => {
    const roleId = text(inputs, "roleId") ?? "";
    const id = `projects/${project}/roles/${roleId}`;
    const before = await api.find(`/iam/v1/${id}`);
    if (before?.["deleted"] === true) {
      await api.send({ method: "POST", path: `/iam/v1/${id}:undelete` });
      await api.send({ method: "PATCH", path: `/iam/v1/${id}`, body: bodyOf(inputs) });
    } else {
      const body = { roleId, role: bodyOf(inputs) };
      await api.send({ method: "POST", path: `/iam/v1/projects/${project}/roles`, body });
    }
    return { id, state: stateOf(id, inputs) };
  },
  read: async (id, inputs, { api }) => {
    const found = await api.find(`/iam/v1/${id}`);
    if (!found || found["deleted"] === true) return undefined;
    const { title, description, includedPermissions } = found;
    return stateOf(id, {
      ...inputs,
      title: title ?? "",
      ...(description === "" ? {} : { description: description ?? "" }),
      permissions: includedPermissions ?? [],
    });
  },
  update: async (id, { inputs }, { api }) => {
    await api.send({ method: "PATCH", path: `/iam/v1/${id}`, body: bodyOf(inputs) });
    return stateOf(id, inputs);
  },
  delete: async (id, _, { api }) => {
    await api.send({ method: "DELETE", path: `/iam/v1/${id}` });
  },
};

function bodyOf({ title, description, permissions }: Props): Props {
  return {
    title: title ?? "",
    description: description ?? "",
    includedPermissions: permissions ?? [],
    stage: "GA",
  };
}

function stateOf(id: string, inputs: Props): Props {
  const [, project = "", , roleId = ""] = id.split("/");
  return { ...inputs, id, name: id, project, roleId, deleted: false };
}
