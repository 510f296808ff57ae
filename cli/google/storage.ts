import { open } from "node:fs/promises";
import { storage_v1 } from "@googleapis/storage/build/v1";
import { ApiError } from "./api-error";
import { requestOptions, credentials, type Caller, type Credentials } from "./credentials";
import { FleetError, UsageError } from "../errors";
import { withRetry } from "./retry";

/** A missing bucket is made in the caller's project. */
interface StorageOptions extends Caller {
  /** Base address without a path; Google's own by default. */
  endpoint?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Bytes of one part of an upload, a multiple of 256 KiB (cloud.google.com/storage/docs/performing-resumable-uploads). */
  part?: number;
}

const requestTimeout = 120_000;
const defaultPart = 16 * 1024 * 1024;

interface UploadRequest {
  method: "POST" | "PUT";
  url: string;
  params?: Record<string, string>;
  headers: Record<string, string>;
  body?: Buffer;
}

/** The part of Cloud Storage that the operator's tool uses. Every call may throw an `ApiError`. */
export class Storage {
  private readonly auth: Credentials;
  /** Ends with a slash. */
  private readonly rootUrl: string;
  private readonly requestOptions;
  private readonly api: storage_v1.Storage;

  constructor(private readonly options: StorageOptions) {
    const { endpoint, signal } = options;
    this.auth = credentials(options, ["devstorage.read_write"]);
    this.rootUrl = (endpoint ?? "https://storage.googleapis.com").replace(/\/*$/, "/");
    this.requestOptions = {
      timeout: requestTimeout,
      ...requestOptions(endpoint),
      ...(signal === undefined ? {} : { signal }),
    };
    this.api = new storage_v1.Storage({ auth: this.auth, rootUrl: this.rootUrl, ...this.requestOptions });
  }

  /**
   * Makes sure that a bucket exists and is private: makes a missing one, refuses an open one.
   * @param location where to make a new bucket, a region or multi-region; without it none is made
   */
  async requirePrivateBucket(name: string, location: string | undefined): Promise<void> {
    const found = await this.find(() => this.api.buckets.get({ bucket: name }));
    if (found === undefined) {
      if (location === undefined) {
        throw new UsageError(`there is no bucket gs://${name}; give --location, such as europe-west1, to create it`);
      }
      const iamConfiguration = {
        uniformBucketLevelAccess: { enabled: true },
        publicAccessPrevention: "enforced",
      };
      const { project } = this.options;
      await this.call(() => this.api.buckets.insert({ project, requestBody: { name, location, iamConfiguration } }));
      return;
    }
    const { iamConfiguration: access } = found;
    if (access?.publicAccessPrevention !== "enforced" || access.uniformBucketLevelAccess?.enabled !== true) {
      throw new FleetError(
        "NF204",
        `gs://${name} may be opened to the public; it must enforce public access prevention and uniform access: ` +
          `gcloud storage buckets update gs://${name} --public-access-prevention --uniform-bucket-level-access`,
      );
    }
  }

  /** @throws FleetError if a bucket does not exist, or its objects may not be listed */
  async requireBucket(name: string): Promise<void> {
    const found = await this.find(() => this.api.objects.list({ bucket: name, maxResults: 1, fields: "kind" }));
    if (found === undefined)
      throw new FleetError(
        "NF204",
        `there is no bucket gs://${name}; pulumi up creates the one of nixos-fleet:cache.bucket`,
      );
  }

  /** An object's size in bytes; undefined if there is none. */
  async sizeOf(bucket: string, name: string): Promise<number | undefined> {
    const found = await this.find(() => this.api.objects.get({ bucket, object: name }));
    return found === undefined ? undefined : Number(found.size);
  }

  /** The names of all objects. */
  async list(bucket: string): Promise<Set<string>> {
    const names = new Set<string>();
    let pageToken: string | undefined;
    do {
      const page = await this.call(() =>
        this.api.objects.list({
          bucket,
          fields: "items(name),nextPageToken",
          ...(pageToken === undefined ? {} : { pageToken }),
        }),
      );
      page.items?.forEach(({ name }) => name != null && names.add(name));
      pageToken = page.nextPageToken ?? undefined;
    } while (pageToken !== undefined);
    return names;
  }

  /** Writes a small object in one request, and overwrites an existing one. */
  async write(bucket: string, name: string, body: Buffer | string, contentType: string): Promise<void> {
    const content = { bucket, name, media: { mimeType: contentType, body } };
    // For calls with content, the client looks for the server only in the call's own options.
    await this.call(() => this.api.objects.insert(content, { rootUrl: this.rootUrl }));
  }

  /**
   * Uploads a file of any size, part by part, so that a broken connection costs one part. The client would send a file in one request.
   * @param progress called with the bytes that have arrived so far, and the total
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
        // If a part is sent again, Cloud Storage skips the bytes that it already has.
        const range = bytesRead === 0 ? `bytes */${size}` : `bytes ${sent}-${sent + bytesRead - 1}/${size}`;
        const headers = { "content-range": range };
        const body = buffer.subarray(0, bytesRead);
        const { status, kept } = await this.send({ method: "PUT", url: session, headers, body });
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
    const url = `${this.rootUrl}upload/storage/v1/b/${bucket}/o`;
    const { location } = await this.send({ method: "POST", url, params: { uploadType: "resumable", name }, headers });
    if (location === undefined) throw new FleetError("NF202", `gs://${bucket}/${name}: the upload did not start`);
    return location;
  }

  private async call<T>(request: () => Promise<{ data: T }>): Promise<T> {
    const { signal } = this.options;
    return (await withRetry(request, { signal })).data;
  }

  private async find<T>(request: () => Promise<{ data: T }>): Promise<T | undefined> {
    try {
      return await this.call(request);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** One request of an upload; `kept` is the number of bytes that an unfinished upload has. */
  private async send(request: UploadRequest): Promise<{ status: number; location?: string; kept?: number }> {
    const { signal } = this.options;
    const response = await withRetry(
      () =>
        this.auth.request({
          ...request,
          // For an upload, this status means "continue".
          validateStatus: (status) => (status >= 200 && status < 300) || status === 308,
          ...this.requestOptions,
        }),
      { signal },
    );
    const location = response.headers.get("location");
    const range = /^bytes=0-(\d+)$/.exec(response.headers.get("range") ?? "")?.[1];
    return {
      status: response.status,
      ...(location === null ? {} : { location }),
      ...(range === undefined ? {} : { kept: Number(range) + 1 }),
    };
  }
}
