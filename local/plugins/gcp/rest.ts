/** Types that have a collection of their own in the API: insert, get, change, delete. */
import { text, type Props } from "../core/value";
import { ApiError, type Call } from "./api";
import { decode, encode, type Fields } from "./fields";
import { labelState, LABEL_OUTPUTS, nextLabels, pulumiLabels } from "./labels";
import { inScope, relative, type Scope } from "./links";
import type { Context, Kind, Update } from "./resource";

/** Maximum restarts if someone else changed the resource in the meantime. */
const ATTEMPTS = 10;

/** A change, as the input of the pure functions that translate it. */
export interface RestUpdate extends Update {
  /** Relative to the endpoint. */
  path: string;
  scope: Scope;
  /** Compute's present answer; fingerprints come from here, except that of labels. */
  current: Props;
}

export interface RestKind {
  token: string;
  args: Kind["args"];
  /** `global/networks`, `regions/{region}/routers`, `zones/{zone}/disks` */
  collection: string;
  fields: Fields;
  /** Fields that only Compute sets: never encoded, decoded like the other fields. */
  outputs: Fields;
  /** Has labels, which `setLabels` changes. */
  labels?: true;
  storesFailed?: true;
  /** Looks up values that the body needs, e.g. which image a name means. */
  prepare?: (inputs: Props, scope: Scope, context: Context) => Promise<Props>;
  /** Adds the parts that the tables do not translate. */
  body?: (inputs: Props, scope: Scope) => Props;
  /** The same for the outputs; `inputs` are empty for an import. */
  state?: (answer: Props, inputs: Props) => Props;
  /** Outputs that need separate requests. */
  complete?: (state: Props, context: Context) => Promise<Props>;
  /** Steps after an insert. */
  settle?: (inputs: Props, path: string) => Call[];
  /** Steps after a change, except for labels; by default a PATCH with the changed fields. */
  update?: (change: RestUpdate) => Call[];
  /** Throws if the resource must stay. */
  mayDelete?: (state: Props) => void;
  /** How the error of a failed delete begins. With it, a resource that is already gone is such an error. */
  deleteError?: string;
}

export function rest(type: RestKind): Kind {
  const place = type.collection.startsWith("regions/") ? "region" : "zone";
  const read = async (path: string, inputs: Props, context: Context) => {
    const answer = await context.api.find(path);
    if (!answer) return undefined;
    const state = stateOf(type, path, answer, inputs, context);
    return type.complete ? await type.complete(state, context) : state;
  };
  const mustRead = async (path: string, inputs: Props, context: Context) => {
    const state = await read(path, inputs, context);
    if (!state) throw new Error(`${path} was there and is gone`);
    return state;
  };
  return {
    token: type.token,
    args: type.args,
    named: true,
    ...(type.storesFailed ? { storesFailed: true } : {}),
    ...(type.collection.startsWith("global/") ? {} : { place }),
    fields: { ...type.fields, ...(type.labels ? { labels: { own: true, inPlace: true } } : {}) },
    computed: ["id", ...Object.keys(type.outputs), ...(type.labels ? LABEL_OUTPUTS : [])],
    create: async (inputs, scope, context) => {
      const collection = `projects/${scope.project}/${inScope(type.collection, scope)}`;
      const ready = type.prepare ? await type.prepare(inputs, scope, context) : inputs;
      await context.api.change({ method: "POST", path: collection, body: insertBody(type, ready, scope, context) });
      const path = `${collection}/${text(inputs, "name") ?? ""}`;
      for (const call of type.settle?.(inputs, path) ?? []) await context.api.change(call);
      return { id: path, state: await mustRead(path, inputs, context) };
    },
    read: async (id, inputs, context) => {
      const path = idPath(type.collection, id, context);
      const state = await read(path, inputs, context);
      return state && { ...state, id: path };
    },
    update: async (path, change, context) => {
      await again(async () => {
        const current = await context.api.find(path);
        if (!current) throw new Error(`${path} is gone; run pulumi refresh`);
        for (const call of updateCalls(type, { ...change, path, scope: scopeOfPath(path), current }, context))
          await context.api.change(call);
      });
      return mustRead(path, change.inputs, context);
    },
    delete: async (path, state, { api }) => {
      type.mayDelete?.(state);
      const remove = () => api.change({ method: "DELETE", path });
      const { deleteError } = type;
      if (deleteError === undefined) return gone(remove);
      await remove().catch((error: unknown) => {
        throw error instanceof ApiError ? new Error(`${deleteError}: ${error.message}`, { cause: error }) : error;
      });
    },
  };
}

/** The whole body of an insert. Pure. */
export function insertBody(
  type: RestKind,
  inputs: Props,
  scope: Scope,
  { settings }: Pick<Context, "settings">,
): Props {
  const labels = pulumiLabels(inputs, settings);
  return {
    name: inputs["name"] ?? "",
    ...encode(type.fields, inputs, scope),
    ...(type.labels && Object.keys(labels).length > 0 ? { labels } : {}),
    ...type.body?.(inputs, scope),
  };
}

/** All outputs that one of Compute's answers contains. Pure. */
export function stateOf(
  type: RestKind,
  path: string,
  answer: Props,
  inputs: Props,
  { settings }: Pick<Context, "settings">,
): Props {
  const { project, region, zone } = scopeOfPath(path);
  return {
    ...inputs,
    ...decode(type.fields, answer),
    ...decode(type.outputs, answer),
    ...(type.labels ? labelState(answer, inputs, settings) : {}),
    ...type.state?.(answer, inputs),
    id: path,
    name: answer["name"] ?? "",
    project,
    ...(region === undefined ? {} : { region }),
    ...(zone === undefined ? {} : { zone }),
  };
}

/** The calls that make a change. Pure. */
export function updateCalls(type: RestKind, change: RestUpdate, { settings }: Pick<Context, "settings">): Call[] {
  const calls = type.update ? type.update(change) : [patch(type.fields, change)].flatMap((call) => call ?? []);
  if (!type.labels || !change.changed("labels")) return calls;
  const labels = nextLabels(change.current, change.olds, change.inputs, settings);
  // As the official provider: labels that someone else changed since its last read are refused.
  const body = { labels, labelFingerprint: change.state["labelFingerprint"] ?? "" };
  return [{ method: "POST", path: `${change.path}/setLabels`, body }, ...calls];
}

/** A PATCH with the changed fields of a table; undefined if none of them is Compute's. */
export function patch(fields: Fields, { changed, inputs, path, scope }: RestUpdate): Call | undefined {
  const touched = Object.fromEntries(Object.entries(fields).filter(([name, { own }]) => changed(name) && !own));
  const given = encode(touched, inputs, scope);
  // A property that the program no longer sets is emptied.
  const emptied = Object.entries(touched).flatMap(([name, { rest: to }]) =>
    inputs[name] === undefined ? [[to ?? name, null] as const] : [],
  );
  const body = { ...Object.fromEntries(emptied), ...given };
  return Object.keys(body).length === 0 ? undefined : { method: "PATCH", path, body };
}

/** `projects/P/zones/Z/instances/N` → its location. */
export function scopeOfPath(path: string): Scope {
  const [, project = "", place, where] = path.split("/");
  if (place === "zones" && where !== undefined) return { project, zone: where };
  return place === "regions" && where !== undefined ? { project, region: where } : { project };
}

/** An id, or one of the shorter forms that an import may give (`P/Z/N`, `Z/N`, `N`), as a path. */
export function idPath(collection: string, id: string, { settings }: Pick<Context, "settings">): string {
  const plain = relative(id);
  if (plain.startsWith("projects/")) return plain;
  const parts = plain.split("/");
  const name = parts.pop() ?? "";
  const where = collection.startsWith("global/") ? undefined : parts.pop();
  const project = parts.pop() ?? settings.project ?? "";
  const scope = { project, region: where ?? settings.region ?? "", zone: where ?? settings.zone ?? "" };
  return `projects/${project}/${inScope(collection, scope)}/${name}`;
}

/** Repeats work that failed because a fingerprint was stale. */
export async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 412 || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Deleting a resource that is already gone succeeds. */
export async function gone(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 404) throw error;
  }
}
