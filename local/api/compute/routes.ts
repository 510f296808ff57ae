import { changes } from "./instance-changes";
import type { Handler } from "../cloud";
import type { Collection } from "./collection";
import { collections } from "./collections";
import * as instance from "./instance-handlers";
import * as project from "./project-handlers";
import * as resource from "./resource-handlers";

/** Method, path below the project (`:x` is a variable part), and handler. */
type Route = readonly [method: string, path: string, handler: Handler];

const scopes = { global: "global", regions: "regions/:region", zones: "zones/:zone" };

function routesOf(collection: Collection): Route[] {
  const all = `${scopes[collection.scope]}/${collection.name}`;
  const one = `${all}/:name`;
  const reading: Route[] = [
    ["GET", all, resource.list(collection)],
    ["GET", one, resource.get(collection)],
    ["GET", `aggregated/${collection.name}`, resource.aggregatedList(collection)],
  ];
  if (collection.name === "instances") {
    return reading;
  }
  return [
    // Images are read from any project.
    ...(collection.name === "images" ? [] : reading),
    ["POST", all, resource.insert(collection)],
    ["DELETE", one, resource.remove(collection)],
    ["POST", `${one}/setLabels`, resource.setLabels(collection)],
    ...Object.keys(collection.actions ?? {}).map((name): Route => [
      "POST",
      `${one}/${name}`,
      resource.act(collection, name),
    ]),
    ...(collection.patch === true ? [["PATCH", one, resource.patch(collection)] as const] : []),
  ];
}

const instances = `${scopes.zones}/instances`;

const instanceRoutes: Route[] = [
  ["POST", instances, instance.insertInstance],
  ["DELETE", `${instances}/:name`, instance.deleteInstance],
  ["POST", `${instances}/:name/start`, instance.startInstance],
  ["POST", `${instances}/:name/stop`, instance.stopInstance],
  ["POST", `${instances}/:name/reset`, instance.resetInstance],
  ["GET", `${instances}/:name/serialPort`, instance.serialPort],
  ["GET", `${instances}/:name/getIamPolicy`, instance.getIamPolicy],
  ["POST", `${instances}/:name/setIamPolicy`, instance.setIamPolicy],
  ["GET", `${instances}/:name/getGuestAttributes`, instance.guestAttributes],
  ...Object.keys(changes).map((name): Route => [
    name.startsWith("update") ? "PATCH" : "POST",
    `${instances}/:name/${name}`,
    instance.changeInstance(name),
  ]),
];

const operationRoutes: Route[] = Object.values(scopes).flatMap((scope): Route[] => [
  ["GET", `${scope}/operations`, project.listOperations],
  ["GET", `${scope}/operations/:name`, project.getOperation],
  ["POST", `${scope}/operations/:name/wait`, project.waitForOperation],
]);

const projectRoutes: Route[] = [
  ["GET", "aggregated/operations", project.aggregatedOperations],
  ["GET", "", project.getProject],
  ["POST", "setCommonInstanceMetadata", project.setCommonInstanceMetadata],
  ["GET", "regions", project.listRegions],
  ["GET", scopes.regions, project.getRegion],
  ["GET", "zones", project.listZones],
  ["GET", scopes.zones, project.getZone],
  ["GET", `${scopes.zones}/machineTypes`, project.listMachineTypes],
  ["GET", `${scopes.zones}/machineTypes/:name`, project.getMachineType],
  ["GET", `${scopes.zones}/diskTypes/:name`, project.getDiskType],
];

const imageRoutes: Route[] = [
  ["GET", "global/images", project.listImages],
  ["GET", "global/images/:name", project.getImage("")],
  ["GET", "global/images/family/:name", project.getImage("family/")],
];

/** What a request names. */
interface Match {
  handler: Handler;
  params: Record<string, string>;
  /** Whether any project is allowed, not only the cloud's own. */
  anyProject: boolean;
}

const own = compile([
  ...projectRoutes,
  ...operationRoutes,
  ...collections.flatMap((collection) => routesOf(collection)),
  ...instanceRoutes,
]);
const foreign = compile(imageRoutes);

/** Finds the handler; `path` is what follows `projects/PROJECT`, without a leading slash. */
export function route(method: string, path: string): Match | undefined {
  return find(own, method, path, false) ?? find(foreign, method, path, true);
}

interface Compiled {
  method: string;
  pattern: RegExp;
  handler: Handler;
}

function compile(routes: readonly Route[]): Compiled[] {
  return routes.map(([method, path, handler]) => ({
    method,
    pattern: new RegExp(`^${path.replaceAll(/:(\w+)/g, "(?<$1>[^/]+)")}$`),
    handler,
  }));
}

function find(routes: Compiled[], method: string, path: string, anyProject: boolean): Match | undefined {
  for (const { method: wanted, pattern, handler } of routes) {
    const match = method === wanted ? pattern.exec(path) : null;
    if (match !== null) {
      return { handler, params: { ...match.groups }, anyProject };
    }
  }
  return undefined;
}
