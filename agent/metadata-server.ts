/**
 * Google's metadata server. Only HTTP 404 means that a value does not exist. Any other answer, or an empty or partial body, means that the
 * server is away.
 */
import * as http from "node:http";
import { contract } from "../rules/contract";
import type { Answer, Answers } from "../rules/metadata";
import { parseObject } from "../rules/text/json";
import { sleep } from "./host/time";

/** The server does not answer correctly, so nothing is known. */
export class MetadataAway extends Error {}

/**
 * Reports are switched off: by the instance's or the project's metadata (`enable-guest-attributes`), or by the organization's policy
 * `compute.disableGuestAttributesAccess`. Asking again changes nothing; the next report tries once.
 */
export class ReportsDisabled extends Error {
  constructor() {
    super(
      "guest attributes are disabled, so nothing can be reported: see enable-guest-attributes, and the organization's policy compute.disableGuestAttributesAccess",
    );
  }
}

interface MetadataAnswer {
  status: number;
  body: string;
  etag: string | undefined;
}

interface RequestOptions {
  method?: "GET" | "PUT";
  body?: string;
  /** Milliseconds until the answer must be complete. */
  timeout?: number;
}

const TIMEOUT = 15_000;
/** Milliseconds until a report that got lost is written again. Google takes three writes a second. */
const REWRITE = 1_500;
const GUEST = `instance/guest-attributes/${contract.guestAttributes.namespace}/`;
/** Larger than all metadata of a project and an instance together (512 KiB each). */
const MAX_BYTES = 4 * 1024 * 1024;

/** One connection to the server. It stays open between requests. */
export class MetadataServer {
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  private readonly host: string;
  private readonly port: number;

  /** @param address host or host:port */
  constructor(address = process.env["GCE_METADATA_HOST"] ?? "169.254.169.254") {
    const [host = "", port = "80"] = address.split(":");
    [this.host, this.port] = [host, Number(port)];
  }

  /** @throws MetadataAway if no complete answer comes in time */
  request(path: string, options: RequestOptions = {}): Promise<MetadataAnswer> {
    const { body, method = "GET", timeout = TIMEOUT } = options;
    return new Promise((resolve, reject) => {
      const away = (why: string) => {
        request.destroy();
        reject(new MetadataAway(`the metadata server does not answer: ${why}`));
      };
      const timer = setTimeout(() => away("timeout"), timeout);
      const request = http.request(
        {
          host: this.host,
          port: this.port,
          method,
          path: `/computeMetadata/v1/${path}`,
          agent: this.agent,
          headers: {
            "Metadata-Flavor": "Google",
            ...(body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          let bytes = 0;
          response.on("data", (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes > MAX_BYTES) away("more than it can have to say");
            else chunks.push(chunk);
          });
          // This also runs for a partial answer: "end" is for a complete answer only.
          response.on("error", (error) => away(error.message));
          response.on("end", () => {
            clearTimeout(timer);
            const { etag } = response.headers;
            resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8"), etag });
          });
        },
      );
      request.on("error", (error) => {
        clearTimeout(timer);
        away(error.message);
      });
      request.end(body);
    });
  }

  /** A value; `undefined` if it does not exist. @throws MetadataAway */
  async get(path: string, options: RequestOptions = {}): Promise<string | undefined> {
    const { status, body } = await this.request(path, options);
    if (status === 404) return undefined;
    if (status !== 200) throw new MetadataAway(`the metadata server answers ${path} with status ${status}`);
    return body;
  }

  /**
   * What a decision needs to know about the project and this VM: parts of the VM's data, and all of the project's, since that comes only in
   * one piece.
   * @param attempts how often to try while the network comes up, two seconds apart
   */
  async answers(attempts = 1): Promise<Answers> {
    for (let attempt = 1; ; attempt++) {
      const attributes = await this.tryRequest("project/attributes/?recursive=true&alt=json");
      if (attributes === undefined && attempt < attempts) {
        await sleep(2000);
        continue;
      }
      if (attributes === undefined) return { attributes, name: undefined, instance: undefined };
      const name = await this.tryRequest("instance/name");
      const instance = await this.tryRequest(`instance/attributes/${contract.instanceMetadata.key}`);
      return { attributes, name, instance };
    }
  }

  private async tryRequest(path: string): Promise<Answer> {
    try {
      return await this.request(path);
    } catch {
      return undefined;
    }
  }

  /**
   * Waits until the project's attributes change or the time is up.
   * @returns the ETag of the attributes after the wait
   */
  async waitForChange(etag: string | undefined, seconds: number): Promise<string> {
    const wait =
      etag === undefined ? "" : `&wait_for_change=true&last_etag=${encodeURIComponent(etag)}&timeout_sec=${seconds}`;
    const answer = await this.request(`project/attributes/?recursive=true&alt=json${wait}`, {
      timeout: (seconds + 30) * 1000,
    });
    if (answer.status !== 200 || answer.body === "" || answer.etag === undefined)
      throw new MetadataAway("the metadata server's answer is incomplete");
    return answer.etag;
  }

  /**
   * Publishes a guest attribute. Google may drop what is written in a burst although it answers well, so the value is read once, and
   * written again if it is missing.
   * @throws MetadataAway, ReportsDisabled
   */
  async publish(key: string, value: string, attempts = 6): Promise<void> {
    await this.write(key, value, attempts);
    if (!(await this.isLost(key, value))) return;
    await sleep(REWRITE);
    await this.write(key, value, attempts);
  }

  /** The VM's reports by key, as others see them. @throws MetadataAway */
  async reports(): Promise<Readonly<Record<string, unknown>>> {
    return parseObject((await this.get(`${GUEST}?recursive=true&alt=json`)) ?? "") ?? {};
  }

  /** A server that does not answer says nothing about what was written. */
  private async isLost(key: string, value: string): Promise<boolean> {
    const { status, body } = (await this.tryRequest(GUEST + key)) ?? {};
    return status === 404 || (status === 200 && body !== value);
  }

  private async write(key: string, value: string, attempts: number): Promise<void> {
    const path = GUEST + key;
    for (let attempt = 1; ; attempt++) {
      try {
        const { status } = await this.request(path, { method: "PUT", body: value });
        if (status >= 200 && status < 300) return;
        if (status === 403) throw new ReportsDisabled();
        throw new MetadataAway(`the metadata server answers a report with status ${status}`);
      } catch (error) {
        if (!(error instanceof MetadataAway) || attempt >= attempts) throw error;
        await sleep(Math.min(1000 * 2 ** (attempt - 1), 15_000));
      }
    }
  }

  close(): void {
    this.agent.destroy();
  }
}
