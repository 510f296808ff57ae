/** A metadata server that answers from a table, for tests of what asks it. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { MetadataServer } from "../../../agent/metadata-server";

export class FakeMetadata {
  /** Path below /computeMetadata/v1/, without its query → what is answered; what is not there is a 404. */
  readonly values = new Map<string, string>();
  readonly client: MetadataServer;

  private constructor(private readonly server: http.Server) {
    this.client = new MetadataServer(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  static async open(): Promise<FakeMetadata> {
    const server = http.createServer((request, response) => {
      const { pathname } = new URL(request.url ?? "", "http://metadata");
      const value = opened.values.get(pathname.replace("/computeMetadata/v1/", ""));
      if (value === undefined) response.writeHead(404).end();
      else response.end(value);
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const opened = new FakeMetadata(server);
    opened.values.set("instance/service-accounts/default/token", '{"access_token":"vm-token"}');
    return opened;
  }

  close(): void {
    this.client.close();
    this.server.close();
    this.server.closeAllConnections();
  }
}
