/** What all resources of the stand-in have in common: checks, diffs, previews, refreshes. */
import { mistakes, type Failure } from "../core/check";
import { changes, type Change } from "../core/diff";
import { DEFAULTS, named, wasGenerated } from "../core/naming";
import { PartialFailure, type Resource, type Run } from "../core/provider";
import type { Typings } from "../core/typings";
import { isObject, text, UNKNOWN, type Props } from "../core/value";
import type { Api } from "./api";
import {
  foreseen,
  imported,
  isInPlace,
  isLeft,
  isSame,
  known,
  ordered,
  refreshed,
  untranslated,
  type Fields,
} from "./fields";
import { leaf, sameLink, type Scope } from "./links";

/** The provider's configuration. */
export interface Settings {
  project?: string;
  region?: string;
  zone?: string;
  /** Labels that every resource gets, if its type has labels. */
  labels: Record<string, string>;
}

/** What a resource's calls work with. */
export interface Context {
  api: Api;
  settings: Settings;
}

/** A type of resource, as its table entry defines it. */
export interface Kind {
  token: string;
  /** The declarations' file and interface. */
  args: readonly [file: string, name: string];
  /** Whether it belongs to a region or a zone; absent for a resource of the project. */
  place?: "region" | "zone";
  /** Has a name that Pulumi may generate. */
  named?: true;
  fields: Fields;
  /**
   * Whether a failed update leaves the new values in the state, as with types whose update in the official provider does not ask for the old
   * ones (`d.Partial(true)`). The next update of the same inputs then sends nothing.
   */
  storesFailed?: true;
  /** Outputs that only the cloud knows. */
  computed: readonly string[];
  create: (inputs: Props, scope: Scope, context: Context) => Promise<{ id: string; state: Props }>;
  /** `inputs` are empty for an import. */
  read: (id: string, inputs: Props, context: Context) => Promise<Props | undefined>;
  update: (id: string, change: Update, context: Context) => Promise<Props>;
  delete: (id: string, state: Props, context: Context) => Promise<void>;
}

/** A change in place. */
export interface Update {
  olds: Props;
  /** What the provider read last. */
  state: Props;
  inputs: Props;
  /** Whether a property, or a part of it, differs: `metadata`, `bootDisk.autoDelete`. */
  changed: (rule: string) => boolean;
}

/** Fields that every type has. */
const COMMON: Fields = {
  // What the provider does for a delete; Compute does not know this field.
  deletionPolicy: { own: true, inPlace: true },
  project: { own: true },
};

/** The location. If the program does not set it, the provider's own settings do. */
const PLACE = ["project", "region", "zone"];

/** Compute's rule for names. */
const NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** @param context makes the calls' surroundings for one run */
export function resource(
  kind: Kind,
  typings: Typings,
  settings: () => Settings,
  context: (run: Run) => Context,
): Resource {
  const fields = fieldsOf(kind);
  const differences = (before: Props, inputs: Props, ignoreChanges: readonly string[]) =>
    changes(ordered(fields, before), ordered(fields, inputs), sameLink).filter(
      (change) =>
        !(change.kind === "delete" && PLACE.includes(change.rule[0] ?? "")) &&
        !isLeft(fields, change) &&
        !isSame(fields, change, before, inputs) &&
        !ignoreChanges.some((ignored) => lies(change.path, ignored)),
    );
  return {
    check: (request) => {
      const inputs = kind.named ? named(request) : request.inputs;
      return { inputs, failures: failures(kind, fields, inputs, typings, settings()) };
    },
    diff: ({ olds, state, inputs, ignoreChanges }) => {
      const found = differences(known(fields, olds, state, sameLink), inputs, ignoreChanges).map((change) => ({
        ...change,
        replace: !isInPlace(fields, change),
      }));
      const replaced = found.some(({ replace }) => replace);
      // A name that the program gave is taken until the old resource is gone.
      return { changes: found, deleteBeforeReplace: replaced && kind.named === true && !wasGenerated(inputs) };
    },
    create: async ({ inputs, preview, ...run }) => {
      const props = plain(inputs);
      if (preview)
        return {
          id: "",
          state: { ...unknown(kind.computed), ...scopeOf(kind, props, settings()), ...foreseen(fields, props) },
        };
      return kind.create(props, scopeOf(kind, props, settings()), context(run));
    },
    read: async ({ id, inputs, ...run }) => {
      const state = await kind.read(id, plain(inputs), context(run));
      if (!state) return undefined;
      const isImport = Object.keys(inputs).length === 0;
      const now = isImport ? imported(fields, state) : refreshed(fields, inputs, state, sameLink);
      return { id: text(state, "id") ?? id, state, inputs: { [DEFAULTS]: [], ...now } };
    },
    update: async ({ id, olds, state, inputs, ignoreChanges, preview, ...run }) => {
      const before = known(fields, olds, state, sameLink);
      const found = differences(before, inputs, ignoreChanges);
      const props = plain(inputs);
      if (preview) return previewed(fields, state, props, found);
      if (kind.storesFailed && found.length === 0) return state;
      const change = { olds: plain(before), state, inputs: props, changed: (rule: string) => touches(found, rule) };
      return kind.update(id, change, context(run)).catch((error: unknown) => {
        throw kind.storesFailed ? new PartialFailure(error, { ...state, ...props }) : error;
      });
    },
    delete: async ({ id, state, ...run }) => {
      const policy = text(state, "deletionPolicy");
      if (policy === "ABANDON") return;
      if (policy === "PREVENT")
        throw new Error(`${id}: deletionPolicy is PREVENT; set it to DELETE and apply that first`);
      await kind.delete(id, state, context(run));
    },
  };
}

function fieldsOf(kind: Kind): Fields {
  return {
    ...COMMON,
    ...(kind.named ? { name: {} } : {}),
    ...(kind.place ? { [kind.place]: { own: true } } : {}),
    ...kind.fields,
  };
}

function failures(kind: Kind, fields: Fields, inputs: Props, typings: Typings, settings: Settings): Failure[] {
  const [file, name] = kind.args;
  const wrong = mistakes(typings.exported(file, name), inputs, typings.label);
  if (wrong.length > 0) return wrong;
  const missing = (["project", ...(kind.place ? [kind.place] : [])] as const)
    .filter((key) => (inputs[key] ?? null) === null && settings[key] === undefined)
    .map((key) => ({ property: key, reason: `${key}: required field is not set; set it here or as gcp:${key}` }));
  const beyond = untranslated(fields, inputs).map((property) => ({
    property,
    reason: `${property}: the local stand-in for the gcp provider does not translate it`,
  }));
  const called = text(inputs, "name");
  const badName = kind.named && called !== undefined && !NAME.test(called);
  const names = badName
    ? [{ property: "name", reason: `name: ${JSON.stringify(called)} must match ${NAME.source}` }]
    : [];
  return [...missing, ...beyond, ...names];
}

/** The location of a resource; the check has made sure that there is one. */
function scopeOf(kind: Kind, inputs: Props, settings: Settings): Scope {
  const at = (key: "project" | "region" | "zone") => text(inputs, key) ?? settings[key] ?? "";
  // A region or zone may be given as a link.
  return { project: at("project"), ...(kind.place ? { [kind.place]: leaf(at(kind.place)) } : {}) };
}

function plain(inputs: Props): Props {
  return Object.fromEntries(Object.entries(inputs).filter(([key, value]) => !key.startsWith("__") && value !== null));
}

function unknown(names: readonly string[]): Props {
  return Object.fromEntries(names.map((name) => [name, UNKNOWN]));
}

/** The expected state after an update. The parts that Compute adds to a property are not known yet. */
function previewed(fields: Fields, state: Props, inputs: Props, found: Change[]): Props {
  const touched = new Set(found.flatMap(({ rule }) => rule.slice(0, 1)));
  const kept = Object.entries(state).filter(([key]) => !touched.has(key));
  const now = Object.entries(foreseen(fields, inputs)).filter(([key]) => touched.has(key));
  return Object.fromEntries([...kept, ...now]);
}

function touches(found: Change[], rule: string): boolean {
  return found.some((change) => `${change.rule.join(".")}.`.startsWith(`${rule}.`));
}

/** Whether a path equals another or lies inside it: `bootDisk.mode` in `bootDisk`. */
function lies(path: string, outer: string): boolean {
  return path === outer || (path.startsWith(outer) && [".", "["].includes(path[outer.length] ?? ""));
}

/** A map of texts. */
export function texts(value: Props[string] | undefined): Record<string, string> {
  if (!isObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
