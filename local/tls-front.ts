/** The servers that machines reach by TLS: Secret Manager under Google's name, and repositories that require a token. */
import type { RequestListener } from "node:http";
import { createServer, type Server } from "node:https";

/** Google's name of Secret Manager. */
export const secretManagerName = "secretmanager.googleapis.com";

/** The returned server does not listen yet. @param git answers for every name except Google's */
export function tlsFront(
  tls: { key: string; cert: string },
  { secretManager, git }: { secretManager: RequestListener; git: Server },
): Server {
  return createServer(tls, (request, response) => {
    if (request.headers.host === secretManagerName) secretManager(request, response);
    else git.emit("request", request, response);
  });
}
