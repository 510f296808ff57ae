/** A git server by https that lets nobody in who does not show the right user name and token. */
import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import path from "node:path";

/** A key and a certificate of its own making, for these host names. */
export function certificate(folder: string, names: readonly string[]): { key: string; cert: string; file: string } {
  const [key, cert] = [path.join(folder, "tls.key"), path.join(folder, "tls.crt")];
  const alternatives = `subjectAltName=${names.map((name) => `DNS:${name}`).join(",")}`;
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"];
  const about = ["-subj", "/CN=test", "-addext", alternatives, "-keyout", key, "-out", cert];
  execFileSync("openssl", ["req", "-x509", ...kind, ...about], { stdio: "ignore" });
  return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8"), file: cert };
}

/** Who is let in, `USER:TOKEN`, and what the server was shown so far. */
export interface Door {
  accepted: string;
  shown: string[];
}

/** Serves the bare repositories in a folder. It does not listen yet. */
export function httpsGit(folder: string, tls: { key: string; cert: string }, door: Door): Server {
  return createServer(tls, (request, response) => {
    const [, words = ""] = /^Basic (.*)$/.exec(request.headers.authorization ?? "") ?? [];
    const who = Buffer.from(words, "base64").toString();
    if (who !== "") door.shown.push(who);
    if (who === door.accepted) answer(folder, request, response);
    else response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
  });
}

/** As git's own program for web servers does. */
function answer(folder: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? "/", "https://localhost");
  const backend = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env["PATH"],
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"],
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"],
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  request.pipe(backend.stdin);
  const chunks: Buffer[] = [];
  backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  backend.on("close", () => {
    const text = Buffer.concat(chunks);
    const end = text.indexOf("\r\n\r\n");
    for (const line of text.subarray(0, end).toString().split("\r\n")) {
      const [name = "", value = ""] = line.split(": ");
      if (name === "Status") response.statusCode = Number(value.slice(0, 3));
      else response.setHeader(name, value);
    }
    response.end(text.subarray(end + 4));
  });
}
