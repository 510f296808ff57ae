/** What machines reach by TLS: Secret Manager under Google's name, and repositories that ask for a token. */
import type { RequestListener } from "node:http";
import { createServer, type Server } from "node:https";

/** Google's name of Secret Manager. */
export const secretManagerName = "secretmanager.googleapis.com";

/** It does not listen yet. @param git answers for every name but Google's */
export function tlsFront(
  tls: { key: string; cert: string },
  { secretManager, git }: { secretManager: RequestListener; git: Server },
): Server {
  return createServer(tls, (request, response) => {
    if (request.headers.host === secretManagerName) secretManager(request, response);
    else git.emit("request", request, response);
  });
}
