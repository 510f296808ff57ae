/** Secrets of Secret Manager and their versions. A version's content never changes: another text is another version. */
import { isObject, text, type Props } from "../../core/value";
import { labelState, LABEL_OUTPUTS, nextLabels, pulumiLabels } from "../labels";
import { leaf } from "../links";
import type { Kind } from "../resource";
import { gone } from "../rest";

const API = "/secretmanager/v1";

/** Id: `projects/P/secrets/S`. */
export const secret: Kind = {
  token: "gcp:secretmanager/secret:Secret",
  args: ["secretmanager/secret.d.ts", "SecretArgs"],
  fields: { secretId: {}, replication: { of: { auto: {} } }, labels: { own: true, inPlace: true } },
  computed: ["id", "name", ...LABEL_OUTPUTS],
  create: async (inputs, { project }, { api, settings }) => {
    const secretId = text(inputs, "secretId") ?? "";
    const auto = isObject(inputs["replication"]) ? inputs["replication"]["auto"] : undefined;
    if (!isObject(auto)) throw new Error("replication: the local stand-in for the gcp provider knows auto alone");
    const body = { replication: { automatic: auto }, labels: pulumiLabels(inputs, settings) };
    const made = await api.send({
      method: "POST",
      path: `${API}/projects/${project}/secrets`,
      query: { secretId },
      body,
    });
    const id = `projects/${project}/secrets/${secretId}`;
    return { id, state: { ...inputs, ...labelState(made, inputs, settings), id, project, name: made["name"] ?? "" } };
  },
  read: async (id, inputs, { api, settings }) => {
    const found = await api.find(`${API}/${id}`);
    const [, project = ""] = id.split("/");
    const known: Props = { secretId: leaf(id), replication: { auto: {} }, ...inputs };
    return found && { ...known, ...labelState(found, inputs, settings), id, project, name: found["name"] ?? "" };
  },
  update: async (id, { olds, inputs }, { api, settings }) => {
    const current = await api.send({ method: "GET", path: `${API}/${id}` });
    const labels = nextLabels(current, olds, inputs, settings);
    const changed = await api.send({
      method: "PATCH",
      path: `${API}/${id}`,
      query: { updateMask: "labels" },
      body: { labels },
    });
    return { ...inputs, ...labelState(changed, inputs, settings), id, name: changed["name"] ?? "" };
  },
  delete: (id, _, { api }) =>
    gone(async () => {
      await api.send({ method: "DELETE", path: `${API}/${id}` });
    }),
};

/** Id: the secret's id with the project's number, and `/versions/N`. */
export const secretVersion: Kind = {
  token: "gcp:secretmanager/secretVersion:SecretVersion",
  args: ["secretmanager/secretVersion.d.ts", "SecretVersionArgs"],
  fields: { secret: {}, secretData: {} },
  computed: ["id", "name", "version", "createTime", "destroyTime"],
  create: async (inputs, _, { api }) => {
    const data = Buffer.from(text(inputs, "secretData") ?? "").toString("base64");
    const path = `${API}/${text(inputs, "secret") ?? ""}:addVersion`;
    const made = await api.send({ method: "POST", path, body: { payload: { data } } });
    const id = text(made, "name") ?? "";
    return { id, state: { ...inputs, id, name: id, version: leaf(id) } };
  },
  read: async (id, inputs, { api }) => {
    const path = `${API}/${text(inputs, "secret") ?? ""}/versions/${leaf(id)}`;
    const found = await api.find(path);
    return found?.["state"] === "ENABLED" ? { ...inputs, id, name: id, version: leaf(id) } : undefined;
  },
  update: (id) => Promise.reject(new Error(`${id}: a version's text cannot change`)),
  delete: (id, state, { api }) =>
    gone(async () => {
      await api.send({ method: "POST", path: `${API}/${text(state, "secret") ?? ""}/versions/${leaf(id)}:destroy` });
    }),
};
