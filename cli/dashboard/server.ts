/**
 * The page on loopback. It answers reads only, and only requests that carry the page's token and name this server as their host: another
 * page in the same browser, or a name that someone points at 127.0.0.1, gets nothing.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { messageOf } from "../../rules/text/system-error";
import type { PageDocument } from "./document";
import { changeBetween, type PageChange } from "./model/change";
import { renderPage, type PageCode } from "./page";

/** Bytes that may wait for a browser that does not read; it is disconnected then, and connects again by itself. */
const mostWaiting = 16 * 1024 * 1024;
/** Milliseconds after which a silent connection gets a comment, so that nothing between the two closes it. */
const keepAlive = 20_000;

const headers = {
  "cache-control": "no-store",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** The server's judgement of a request: the status of a refusal, or undefined if it is answered. Pure. */
export function refusalOf(
  { method = "", url = "/", headers: sent }: Pick<IncomingMessage, "method" | "url" | "headers">,
  { port, token }: { port: number; token: string },
): { status: number; text: string } | undefined {
  if (sent.host !== `127.0.0.1:${port}` && sent.host !== `localhost:${port}`) {
    return { status: 421, text: "this server answers for 127.0.0.1 only" };
  }
  const origin = sent.origin;
  const foreign = origin !== undefined && origin !== `http://${sent.host}`;
  const site = sent["sec-fetch-site"];
  if (foreign || (site !== undefined && site !== "none" && site !== "same-origin")) {
    return { status: 403, text: "another page asks" };
  }
  if (method !== "GET" && method !== "HEAD") return { status: 405, text: "the page is read-only" };
  const given = Buffer.from(new URL(url, "http://page").searchParams.get("token") ?? "");
  const right = Buffer.from(token);
  if (given.length !== right.length || !timingSafeEqual(given, right)) {
    return { status: 403, text: "the token is missing or wrong; open the address that fleet dashboard printed" };
  }
  return undefined;
}

export class DashboardServer {
  private readonly token = randomBytes(24).toString("base64url");
  private readonly server: Server = createServer((request, response) => this.answer(request, response));
  private readonly listeners = new Set<ServerResponse>();
  private readonly beat = setInterval(() => this.broadcast(":\n\n"), keepAlive).unref();
  private last: PageDocument | undefined;
  private port = 0;

  /** @param fresh is asked for a document if a page is opened and none is known yet or it is old */
  constructor(
    private readonly code: PageCode,
    private readonly fresh: () => Promise<PageDocument>,
  ) {}

  /** Starts to listen; answers the page's address. @param port 0 for one that is free */
  async start(port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(port, "127.0.0.1", resolve);
    });
    this.port = (this.server.address() as AddressInfo).port;
    return `http://127.0.0.1:${this.port}/?token=${this.token}`;
  }

  async stop(): Promise<void> {
    clearInterval(this.beat);
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Whether a page is open: without one nothing need be read. */
  get watched(): boolean {
    return this.listeners.size > 0;
  }

  /** Sends what changed to the pages that are open. */
  publish(next: PageDocument): void {
    const before = this.last;
    this.last = next;
    if (before === undefined) this.broadcast(event("document", next));
    else this.broadcast(event("change", changeBetween(before, next)));
  }

  /** One line about what goes wrong; the pages keep what they show. */
  problem(line: string): void {
    this.broadcast(event("problem", line));
  }

  private broadcast(text: string): void {
    for (const response of this.listeners) {
      response.write(text);
      if (response.writableLength > mostWaiting) response.destroy();
    }
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const refusal = refusalOf(request, { port: this.port, token: this.token });
    const { pathname } = new URL(request.url ?? "/", "http://page");
    if (refusal !== undefined) {
      end(response, refusal.status, refusal.text);
    } else if (pathname === "/events") {
      this.follow(request, response);
    } else if (pathname === "/") {
      this.page(response).catch((error: unknown) => {
        end(response, 502, messageOf(error));
      });
    } else {
      end(response, 404, "no such page");
    }
  }

  private async page(response: ServerResponse): Promise<void> {
    if (this.last === undefined || !this.watched) this.last = await this.fresh();
    const { html, policy } = renderPage(this.last, this.code, { events: `events?token=${this.token}` });
    const own = {
      "content-security-policy": `${policy}; frame-ancestors 'none'`,
      "content-type": "text/html; charset=utf-8",
    };
    response.writeHead(200, { ...headers, ...own });
    response.end(html);
  }

  private follow(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { ...headers, "content-type": "text/event-stream" });
    response.write("retry: 2000\n\n");
    if (this.last !== undefined) response.write(event("document", this.last));
    this.listeners.add(response);
    const leave = () => this.listeners.delete(response);
    response.on("close", leave);
    request.on("close", leave);
  }
}

function event(name: "document" | "change" | "problem", data: PageDocument | PageChange | string): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function end(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    ...headers,
    "content-type": "text/plain; charset=utf-8",
    ...(status === 405 ? { allow: "GET, HEAD" } : {}),
  });
  response.end(`${text}\n`);
}
