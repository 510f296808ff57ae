import { open } from "node:fs/promises";
import { z } from "zod";
import { ApiError } from "./api-error";
import { requestOptions, credentials, type Caller, type Credentials } from "./credentials";
import { FleetError, UsageError } from "../errors";
import { withRetry } from "./retry";

/** A bucket that has to be made goes into the caller's project. */
export interface StorageOptions extends Caller {
  /** Base address without a path; Google's own by default. */
  endpoint?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Bytes of one part of an upload, a multiple of 256 KiB (cloud.google.com/storage/docs/performing-resumable-uploads). */
  part?: number;
}

const requestTimeout = 120_000;
const defaultPart = 16 * 1024 * 1024;

const bucketShape = z.object({
  iamConfiguration: z
    .object({
      publicAccessPrevention: z.string().optional(),
      uniformBucketLevelAccess: z.object({ enabled: z.boolean().optional() }).optional(),
    })
    .optional(),
});
const objectShape = z.object({ name: z.string(), size: z.string() });
const listShape = z.object({ items: z.array(objectShape).default([]), nextPageToken: z.string().optional() });

interface StorageRequest {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** A path below the endpoint, or a whole address. */
  url: string;
  params?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Buffer | string;
}

/** The part of Cloud Storage's JSON API that the operator's tool uses. Every call may throw an `ApiError`. */
export class Storage {
  private readonly auth: Credentials;
  private readonly endpoint: string;

  constructor(private readonly options: StorageOptions) {
    this.auth = credentials(options, ["devstorage.read_write"]);
    this.endpoint = (options.endpoint ?? "https://storage.googleapis.com").replace(/\/+$/, "");
  }

  /**
   * Makes sure that a bucket is there and private: made where there is none, refused where it is open.
   * @param location where a new one goes, a region or multi-region; without it none is made
   */
  async requirePrivateBucket(name: string, location: string | undefined): Promise<void> {
    const found = await this.find(`/storage/v1/b/${name}`);
    if (found === undefined) {
      if (location === undefined) {
        throw new UsageError(`there is no bucket gs://${name}; give --location, such as europe-west1, to create it`);
      }
      const iamConfiguration = {
        uniformBucketLevelAccess: { enabled: true },
        publicAccessPrevention: "enforced",
      };
      const body = JSON.stringify({ name, location, iamConfiguration });
      const headers = { "content-type": "application/json" };
      await this.ask({
        method: "POST",
        url: "/storage/v1/b",
        params: { project: this.options.project },
        headers,
        body,
      });
      return;
    }
    const { iamConfiguration: access } = bucketShape.parse(found);
    if (access?.publicAccessPrevention !== "enforced" || access.uniformBucketLevelAccess?.enabled !== true) {
      throw new FleetError(
        "NF204",
        `gs://${name} may be opened to the public; it must enforce public access prevention and uniform access: ` +
          `gcloud storage buckets update gs://${name} --public-access-prevention --uniform-bucket-level-access`,
      );
    }
  }

  /** An object's size in bytes; undefined where there is none. */
  async sizeOf(bucket: string, name: string): Promise<number | undefined> {
    const found = await this.find(`/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`);
    return found === undefined ? undefined : Number(objectShape.parse(found).size);
  }

  /** The names of all objects that begin so. */
  async list(bucket: string, prefix = ""): Promise<Set<string>> {
    const names = new Set<string>();
    let pageToken: string | undefined;
    do {
      const params = {
        prefix,
        fields: "items(name,size),nextPageToken",
        ...(pageToken === undefined ? {} : { pageToken }),
      };
      const { data } = await this.ask({ method: "GET", url: `/storage/v1/b/${bucket}/o`, params });
      const page = listShape.parse(data);
      page.items.forEach(({ name }) => names.add(name));
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    return names;
  }

  /** Writes a small object at once, over one that is there. */
  async write(bucket: string, name: string, body: Buffer | string, contentType: string): Promise<void> {
    const url = `/upload/storage/v1/b/${bucket}/o`;
    const headers = { "content-type": contentType };
    await this.ask({ method: "POST", url, params: { uploadType: "media", name }, headers, body });
  }

  /**
   * Uploads a file of any size, part by part, so that a line that breaks costs one part.
   * @param progress called with the bytes that have come so far, and the total
   */
  async upload(
    bucket: string,
    name: string,
    file: string,
    progress: (sent: number, size: number) => void = () => undefined,
  ): Promise<void> {
    const handle = await open(file);
    try {
      const { size } = await handle.stat();
      const session = await this.beginUpload(bucket, name, size);
      const buffer = Buffer.alloc(Math.max(1, Math.min(this.options.part ?? defaultPart, size)));
      for (let sent = 0; ;) {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, sent);
        const last = sent + bytesRead === size;
        // What Cloud Storage has of a part that is sent again it leaves out.
        const range = bytesRead === 0 ? `bytes */${size}` : `bytes ${sent}-${sent + bytesRead - 1}/${size}`;
        const headers = { "content-range": range };
        const { status, range: kept } = await this.ask({
          method: "PUT",
          url: session,
          headers,
          body: buffer.subarray(0, bytesRead),
        });
        sent = status === 308 ? (kept ?? 0) : size;
        progress(sent, size);
        if (status !== 308) return;
        if (last && sent === size) throw new FleetError("NF202", `gs://${bucket}/${name}: the upload does not end`);
      }
    } finally {
      await handle.close();
    }
  }

  private async beginUpload(bucket: string, name: string, size: number): Promise<string> {
    const headers = {
      "x-upload-content-type": "application/octet-stream",
      "x-upload-content-length": String(size),
      "content-length": "0",
    };
    const url = `/upload/storage/v1/b/${bucket}/o`;
    const { location } = await this.ask({ method: "POST", url, params: { uploadType: "resumable", name }, headers });
    if (location === undefined) throw new FleetError("NF202", `gs://${bucket}/${name}: the upload did not start`);
    return location;
  }

  private async find(url: string): Promise<unknown> {
    try {
      return (await this.ask({ method: "GET", url })).data;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** One request; `range` is how many bytes an unfinished upload has. */
  private async ask(
    request: StorageRequest,
  ): Promise<{ status: number; data: unknown; location?: string; range?: number }> {
    const { method, params, headers, body } = request;
    const { signal } = this.options;
    const response = await withRetry(
      () =>
        this.auth.request({
          url: request.url.startsWith("/") ? this.endpoint + request.url : request.url,
          method,
          timeout: requestTimeout,
          // "Go on", for an upload.
          validateStatus: (status) => (status >= 200 && status < 300) || status === 308,
          ...requestOptions(this.options.endpoint),
          ...(params ? { params } : {}),
          ...(headers ? { headers } : {}),
          ...(body === undefined ? {} : { body }),
          ...(signal === undefined ? {} : { signal }),
        }),
      { signal },
    );
    const location = response.headers.get("location");
    const range = /^bytes=0-(\d+)$/.exec(response.headers.get("range") ?? "")?.[1];
    return {
      status: response.status,
      data: response.data,
      ...(location === null ? {} : { location }),
      ...(range === undefined ? {} : { range: Number(range) + 1 }),
    };
  }
}
