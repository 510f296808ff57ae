/** An https git server that requires a user name and a token. */
import { createServer, type Server } from "node:https";
import { answerGit } from "./git-http-backend";

/** Which credentials are accepted, and which the server has received so far. */
export interface Door {
  /** `USER:TOKEN`. */
  accepted: string;
  shown?: string[];
}

/** Serves the bare repositories in a folder. The returned server does not listen yet. */
export function httpsGit(folder: string, tls: { key: string; cert: string }, door: Door): Server {
  return createServer(tls, (request, response) => {
    const [, words = ""] = /^Basic (.*)$/.exec(request.headers.authorization ?? "") ?? [];
    const who = Buffer.from(words, "base64").toString();
    if (who !== "") door.shown?.push(who);
    if (who === door.accepted) answerGit(folder, request, response);
    else response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
  });
}
