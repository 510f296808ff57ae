/** Google's servers, as far as a VM asks them: metadata, Secret Manager, Cloud Storage and Cloud Logging, on one local address. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { MetadataServer } from "../../../agent/metadata-server";

const TOKEN = "vm-token";
const GUEST = "instance/guest-attributes/nixos-fleet/";

/** An HTTP status, a connection that ends before the answer or within it, or no answer. */
export type Fault = number | "reset" | "cut" | "hang";

export class Google {
  private readonly server: Server;
  private readonly clients: MetadataServer[] = [];
  /** Metadata by path, without its query; what is not there is a 404. */
  readonly metadata: Record<string, string> = {
    "instance/service-accounts/default/token": JSON.stringify({ access_token: TOKEN }),
    ...{ "instance/id": "42", "instance/zone": "projects/7/zones/europe-west1-b", "project/project-id": "acme" },
  };
  /** Texts of secrets by their names; the VM may read these alone. */
  readonly secrets: Record<string, string> = {};
  /** Objects by path. */
  readonly objects: Record<string, string> = {};
  /** What was written to Cloud Logging. */
  readonly logged: unknown[] = [];
  /** Guest attributes that were published, in their order. */
  readonly published: [key: string, value: string][] = [];
  /** Paths of all requests but those for metadata. */
  readonly asked: string[] = [];
  /** Reports that it answers well and drops, as Google does with what is written in a burst. */
  drops = 0;
  /** Whether it answers at all. */
  away = false;
  /** What Cloud Storage answers instead, by the path and how often it was asked for before. */
  fault: (path: string, before: number) => Fault | undefined = () => undefined;

  private constructor() {
    this.server = createServer((request, response) => void this.answer(request, response));
  }

  /** @param apis whether the agent asks it for more than metadata; where not, a test's curl stands in for the other servers */
  static async start({ apis = true } = {}): Promise<Google> {
    const google = new Google();
    await new Promise<void>((resolve) => google.server.listen(0, "127.0.0.1", resolve));
    if (!apis) return google;
    process.env["NIXOS_AUTO_UPDATE_SECRET_MANAGER"] = google.url;
    process.env["NIXOS_AUTO_UPDATE_STORAGE"] = google.url;
    process.env["NIXOS_AUTO_UPDATE_LOGGING"] = google.url;
    return google;
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `http://${this.address}`;
  }

  /** What others read as this report; without a value it is gone. */
  setReport(key: string, value?: string): void {
    if (value === undefined) Reflect.deleteProperty(this.metadata, GUEST + key);
    else this.metadata[GUEST + key] = value;
    const names = Object.keys(this.metadata).filter((name) => name.startsWith(GUEST) && name !== GUEST);
    const reports = names.map((name) => [name.replace(GUEST, ""), this.metadata[name]] as const);
    this.metadata[GUEST] = JSON.stringify(Object.fromEntries(reports));
  }

  report(key: string): string | undefined {
    return this.metadata[GUEST + key];
  }

  /** A client of its metadata server. */
  metadataServer(): MetadataServer {
    const client = new MetadataServer(this.address);
    this.clients.push(client);
    return client;
  }

  stop(): void {
    delete process.env["NIXOS_AUTO_UPDATE_SECRET_MANAGER"];
    delete process.env["NIXOS_AUTO_UPDATE_STORAGE"];
    delete process.env["NIXOS_AUTO_UPDATE_LOGGING"];
    for (const client of this.clients) client.close();
    this.server.closeAllConnections();
    this.server.close();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "").replace(/^\//, "");
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (this.away) {
      request.socket.destroy();
      return;
    }
    const metadata = /^computeMetadata\/v1\/([^?]*)/.exec(path)?.[1];
    if (metadata !== undefined && request.method === "PUT") {
      const [key, value] = [metadata.replace(GUEST, ""), Buffer.concat(chunks).toString()];
      this.published.push([key, value]);
      if (this.drops-- <= 0) this.setReport(key, value);
      response.end();
      return;
    }
    if (metadata !== undefined) {
      const value = request.headers["metadata-flavor"] === "Google" ? this.metadata[metadata] : undefined;
      response.writeHead(value === undefined ? 404 : 200).end(value);
      return;
    }
    this.asked.push(path);
    if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      response.writeHead(401).end("{}");
      return;
    }
    this.serve(path, Buffer.concat(chunks).toString(), response);
  }

  private serve(path: string, body: string, response: ServerResponse): void {
    const secret = /^v1\/(.*)\/versions\/latest:access$/.exec(path)?.[1];
    if (secret !== undefined) {
      const text = this.secrets[secret];
      const error = { error: { code: 403, message: "Permission 'secretmanager.versions.access' denied" } };
      const payload = { payload: { data: Buffer.from(text ?? "").toString("base64") } };
      response.writeHead(text === undefined ? 403 : 200).end(JSON.stringify(text === undefined ? error : payload));
    } else if (path === "v2/entries:write") {
      this.logged.push(JSON.parse(body));
      response.end("{}");
    } else {
      const fault = this.fault(path, this.asked.filter((one) => one === path).length - 1);
      if (fault === "hang") return;
      if (fault === "reset") response.socket?.destroy();
      if (fault === "cut") {
        response.writeHead(200, { "Content-Length": 100 }).write("part");
        setTimeout(() => response.socket?.destroy(), 50);
      }
      if (typeof fault === "number") response.writeHead(fault).end("error");
      if (fault !== undefined) return;
      const object = this.objects[path];
      response.writeHead(object === undefined ? 404 : 200).end(object);
    }
  }
}
