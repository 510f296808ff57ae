/** A way to the Compute API that can fail: it answers 503, or nothing at all, as where the operator's network is lost. */
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export class FaultyApi {
  fails: "never" | "503" | "network" = "never";
  private readonly server: Server;

  private constructor(private readonly target: string) {
    this.server = createServer((asked, answered) => {
      if (this.fails === "network") {
        asked.socket.destroy();
      } else if (this.fails === "503") {
        answered.writeHead(503, { "content-type": "application/json" }).end('{"error":{"message":"Backend Error"}}');
      } else {
        const { method, headers, url = "" } = asked;
        const onward = request(new URL(url, this.target), { method, headers }, (answer) => {
          answered.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(answered);
        });
        onward.on("error", () => answered.destroy());
        asked.pipe(onward);
      }
    });
  }

  /** @param target the real endpoint */
  static async before(target: string): Promise<FaultyApi> {
    const api = new FaultyApi(target);
    await new Promise<void>((listening) => api.server.listen(0, "127.0.0.1", listening));
    return api;
  }

  /** The endpoint to use instead of the real one. */
  get endpoint(): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://127.0.0.1:${port}${new URL(this.target).pathname}`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
