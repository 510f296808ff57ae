/** One item of a project's metadata: read, changed and written back as a whole, guarded by its fingerprint. */
import { isObject, text, type Props } from "../../core/value";
import type { Api } from "../api";
import { Mutex } from "../mutex";
import type { Kind } from "../resource";
import { again } from "../rest";

const changing = new Mutex();

export const projectMetadataItem: Kind = {
  token: "gcp:compute/projectMetadataItem:ProjectMetadataItem",
  args: ["compute/projectMetadataItem.d.ts", "ProjectMetadataItemArgs"],
  fields: { key: {}, value: { inPlace: true } },
  computed: ["id"],
  storesFailed: true,
  create: async (inputs, { project }, { api }) => {
    const { key, value } = item(inputs);
    await write(api, project, (items) => {
      if (items.some((other) => other.key === key))
        throw new Error(
          `key "${key}" already present in metadata for project "${project}". Use \`pulumi import\` to manage it`,
        );
      return [...items, { key, value }];
    });
    return { id: key, state: { ...inputs, id: key, project } };
  },
  read: async (id, inputs, { api, settings }) => {
    const named = /^projects\/([^/]+)\/meta-data\/([^/]+)$/.exec(id);
    const project = named?.[1] ?? text(inputs, "project") ?? settings.project ?? "";
    const key = named?.[2] ?? id;
    const found = itemsOf(await api.send({ method: "GET", path: `projects/${project}` })).find(
      (other) => other.key === key,
    );
    return found && { ...inputs, id: key, project, ...found };
  },
  update: async (id, { inputs }, { api, settings }) => {
    const project = text(inputs, "project") ?? settings.project ?? "";
    const { key, value } = item(inputs);
    await write(api, project, (items) => [...items.filter((other) => other.key !== key), { key, value }]);
    return { ...inputs, id, project };
  },
  delete: async (id, state, { api }) => {
    await write(api, text(state, "project") ?? "", (items) => items.filter(({ key }) => key !== id));
  },
};

function item(inputs: Props): { key: string; value: string } {
  return { key: text(inputs, "key") ?? "", value: text(inputs, "value") ?? "" };
}

/** Sends nothing if nothing changes; starts again if someone else was faster. */
async function write(
  api: Api,
  project: string,
  next: (items: { key: string; value: string }[]) => { key: string; value: string }[],
): Promise<void> {
  await changing.run(project, () =>
    again(async () => {
      const current = await api.send({ method: "GET", path: `projects/${project}` });
      const items = itemsOf(current);
      const wanted = next(items);
      if (same(items, wanted)) return;
      const metadata = current["commonInstanceMetadata"];
      const fingerprint = isObject(metadata) ? text(metadata, "fingerprint") : undefined;
      const body: Props = { items: wanted, ...(fingerprint === undefined ? {} : { fingerprint }) };
      await api.change({ method: "POST", path: `projects/${project}/setCommonInstanceMetadata`, body });
    }),
  );
}

function itemsOf(project: Props): { key: string; value: string }[] {
  const metadata = project["commonInstanceMetadata"];
  const items = isObject(metadata) ? metadata["items"] : [];
  return (Array.isArray(items) ? items : []).filter(isObject).map(item);
}

function same(a: { key: string; value: string }[], b: { key: string; value: string }[]): boolean {
  const values = new Map(a.map(({ key, value }) => [key, value]));
  return a.length === b.length && b.every(({ key, value }) => values.get(key) === value);
}
