/** The one log of Cloud Logging that stores a fleet's history. Two calls of its REST API write and read it. */
import * as z from "zod";
import { credentials, type Caller, type Credentials } from "./credentials";
import { UsageError } from "../errors";
import { requestJson } from "./request";
import { oneLine } from "../../rules/text/text";

/** An entry: labels to find it by, and any content. */
interface LogEntry {
  /** RFC 3339. */
  timestamp: string;
  severity: "INFO" | "NOTICE" | "ERROR";
  labels: Record<string, string>;
  jsonPayload: object;
}

/** An entry as it was read. Others may write to the log too, with any content. */
export type ReadEntry = z.infer<typeof entrySchema>;

interface LogOptions extends Caller {
  /** The log's name, such as `nixos-fleet`. */
  log: string;
  /** The API's root; Google's own by default. Ends with a slash. */
  endpoint?: string | undefined;
}

const entrySchema = z.object({
  timestamp: z.string().default(""),
  labels: z.record(z.string(), z.string()).default({}),
  jsonPayload: z.record(z.string(), z.unknown()).default({}),
});
const pageSchema = z.object({ entries: z.array(entrySchema).default([]), nextPageToken: z.string().optional() });

const pageSize = 500;

/** A project's log. Every call may throw an `ApiError`. */
export class Log {
  readonly auth: Credentials;
  private readonly root: string;

  constructor(private readonly options: LogOptions) {
    this.auth = credentials(options, ["logging.write", "logging.read", "userinfo.email"]);
    this.root = options.endpoint ?? "https://logging.googleapis.com/";
    if (!/^https?:\/\/[^\s/]+\/(\S+\/)?$/.test(this.root)) {
      throw new UsageError(
        `NIXOS_FLEET_LOGGING_ENDPOINT is ${oneLine(this.root, 100)}; it must look like https://HOST/`,
      );
    }
  }

  async write(entry: LogEntry): Promise<void> {
    const { project } = this.options;
    const resource = { type: "global", labels: { project_id: project } };
    await this.call("entries:write", { logName: this.name(), resource, entries: [entry] });
  }

  /** The newest entries that match all these conditions (in Logging's query language), newest first. */
  async read(conditions: readonly string[], most: number): Promise<ReadEntry[]> {
    const found: ReadEntry[] = [];
    let pageToken: string | undefined;
    do {
      const page = pageSchema.parse(
        await this.call("entries:list", {
          resourceNames: [`projects/${this.options.project}`],
          filter: [`logName="${this.name()}"`, ...conditions].join(" AND "),
          orderBy: "timestamp desc",
          pageSize: Math.min(pageSize, most),
          ...(pageToken === undefined ? {} : { pageToken }),
        }),
      );
      found.push(...page.entries);
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined && pageToken !== "" && found.length < most);
    return found.slice(0, most);
  }

  private name(): string {
    return `projects/${this.options.project}/logs/${this.options.log}`;
  }

  private call(method: string, data: object): Promise<unknown> {
    const request = { url: `${this.root}v2/${method}`, method: "POST", data } as const;
    // Without the call's signal: an interrupted gate still writes its end.
    return requestJson(this.auth, request, this.options.endpoint);
  }
}
