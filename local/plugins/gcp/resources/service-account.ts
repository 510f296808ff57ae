/** Service accounts. */
import { text, type Props } from "../../core/value";
import type { Kind } from "../resource";
import { gone } from "../rest";

export const serviceAccount: Kind = {
  token: "gcp:serviceaccount/account:Account",
  args: ["serviceaccount/account.d.ts", "AccountArgs"],
  fields: { accountId: {}, displayName: {} },
  computed: ["id", "name", "email", "member", "uniqueId"],
  create: async (inputs, { project }, { api }) => {
    const body = { accountId: inputs["accountId"] ?? "", serviceAccount: { displayName: inputs["displayName"] ?? "" } };
    const made = await api.send({ method: "POST", path: `/iam/v1/projects/${project}/serviceAccounts`, body });
    return { id: text(made, "name") ?? "", state: accountState(made, inputs) };
  },
  read: async (id, inputs, { api }) => {
    const found = await api.find(`/iam/v1/${id}`);
    return found && accountState(found, inputs);
  },
  update: (id, { inputs }) => Promise.reject(new Error(`${id}: cannot change to ${JSON.stringify(inputs)}`)),
  delete: (id, _, { api }) =>
    gone(async () => {
      await api.send({ method: "DELETE", path: `/iam/v1/${id}` });
    }),
};

function accountState(answer: Props, inputs: Props): Props {
  const email = text(answer, "email") ?? "";
  const name = answer["name"] ?? "";
  return {
    ...inputs,
    id: name,
    name,
    email,
    member: `serviceAccount:${email}`,
    accountId: email.replace(/@.*$/, ""),
    displayName: answer["displayName"] ?? "",
    project: answer["projectId"] ?? "",
    uniqueId: answer["uniqueId"] ?? "",
  };
}
