/** Faults of the cloud's API, as long as a test wants them. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { MemoryCloud } from "../../unit/local/local-machines";

/** Google's answer where an API is not switched on. */
const NOT_CONFIGURED = JSON.stringify({
  error: {
    code: 403,
    message: "Compute Engine API has not been used in project 1 before or it is disabled.",
    errors: [{ domain: "usageLimits", reason: "accessNotConfigured" }],
  },
});

/** And where a quota is used up. */
const QUOTA = JSON.stringify({
  error: {
    code: 403,
    message: "Quota 'CPUS' exceeded. Limit: 24.0 in region europe-west1.",
    errors: [{ domain: "usageLimits", reason: "quotaExceeded" }],
  },
});

/** And for a schedule before IAM has spread the rights of Compute's own agent. */
export const SPREADING = JSON.stringify({
  error: {
    code: 412,
    message:
      "Compute Engine System service account service-1@compute-system.iam.gserviceaccount.com needs to have " +
      "[compute.instances.start,compute.instances.stop] permissions applied in order to perform this operation.",
    errors: [{ domain: "global", reason: "conditionNotMet" }],
  },
});

type Listener = (...args: unknown[]) => void;

/** `new`: as in a new project, the Compute API refuses everything until it is enabled. */
export type Outage = "503" | "network" | "new";

/** Replaces the server's listener until the answer is called. */
function intercept(
  server: Server,
  handle: (request: IncomingMessage, response: ServerResponse, pass: () => void) => void,
): () => void {
  const [listener] = server.listeners("request") as Listener[];
  if (listener === undefined) throw new Error("the server has no listener");
  const faulty = (request: IncomingMessage, response: ServerResponse) =>
    handle(request, response, () => listener(request, response));
  server.off("request", listener).on("request", faulty);
  return () => void server.off("request", faulty).on("request", listener);
}

/** Answers every request with 503, or not at all, until the answer is called; or acts as a new project. */
export function outage(server: Server, cloud: MemoryCloud, kind: Outage): () => void {
  const end = intercept(server, (request, response, pass) => {
    const { services = [] } = cloud.store.state;
    const open = !request.url?.startsWith("/compute/") || services.includes("compute.googleapis.com");
    if (kind === "new" && open) pass();
    else if (kind === "new") response.writeHead(403, { "content-type": "application/json" }).end(NOT_CONFIGURED);
    else if (kind === "network") response.destroy();
    else response.writeHead(503, { "content-type": "application/json" }).end('{"error":{"message":"Backend Error"}}');
  });
  if (kind === "network") server.closeAllConnections();
  return end;
}

/** Refuses every request of this method and path, or so many, by default as Compute does when a quota is used up, until the answer is called. */
export function refuse(server: Server, what: RegExp, times = Infinity, status = 403, said = QUOTA): () => void {
  let left = times;
  return intercept(server, (request, response, pass) => {
    if (!what.test(`${request.method ?? ""} ${request.url ?? ""}`) || left-- <= 0) pass();
    else response.writeHead(status, { "content-type": "application/json" }).end(said);
  });
}

/** Carries out every request, and answers none once something is so, until the answer is called. */
export function stall(server: Server, once: () => boolean): () => void {
  return intercept(server, (_, response, pass) => {
    const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse;
    response.end = (...args: unknown[]) => (once() ? response : end(...args));
    pass();
  });
}

/** Lets something happen between the first answer to such a request and its arrival, once something is so. */
export function meanwhile(
  server: Server,
  what: RegExp,
  once: () => boolean,
  happens: () => Promise<unknown>,
): () => void {
  let happened = false;
  return intercept(server, (request, response, pass) => {
    const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse;
    if (!happened && what.test(`${request.method ?? ""} ${request.url ?? ""}`) && once()) {
      happened = true;
      response.end = (...args: unknown[]) => {
        void happens().finally(() => end(...args));
        return response;
      };
    }
    pass();
  });
}
