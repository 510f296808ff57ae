/** Which Google APIs a project has switched on: one call of Service Usage's REST API. */
import pMap from "p-map";
import * as z from "zod";
import { credentials, type Caller } from "./credentials";
import { requestJson } from "./request";

interface ServiceUsageOptions extends Caller {
  /** The API's root; Google's own by default. Ends with a slash. */
  endpoint?: string | undefined;
  signal: AbortSignal;
}

const servicesAtOnce = 4;
const serviceShape = z.object({ state: z.string().optional() });

/** The services among these (`compute.googleapis.com`) that are off. May throw an `ApiError`. */
export async function servicesOff(services: readonly string[], options: ServiceUsageOptions): Promise<string[]> {
  const { project, endpoint, signal } = options;
  const auth = credentials(options, ["cloud-platform.read-only"]);
  const root = endpoint ?? "https://serviceusage.googleapis.com/";
  const stateOf = async (service: string) => {
    const url = `${root}v1/projects/${project}/services/${service}`;
    return serviceShape.parse(await requestJson(auth, { url }, endpoint, signal)).state;
  };
  const states = await pMap(services, stateOf, { concurrency: servicesAtOnce });
  return services.filter((_, index) => states[index] !== "ENABLED");
}
