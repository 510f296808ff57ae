/** Google's batch requests, which gcloud sends for several things at once: requests as parts of a multipart body. */

/** A single request, whether it came alone or in a batch. */
export interface Request {
  method: string;
  /** Path and query. */
  url: string;
  /** The `Authorization` header. */
  authorization: string;
  body: string;
}

interface Part {
  id: string;
  request: Request;
}

/** The requests of a batch; undefined if the body is not a batch. Parts without an authorization use that of the batch. */
export function parseBatch(contentType: string, body: string, authorization: string): Part[] | undefined {
  const boundary = /^multipart\/mixed;.*?boundary="?([^";]+)"?/.exec(contentType)?.[1];
  const parts = boundary === undefined ? [] : body.split(`--${boundary}`).slice(1, -1);
  const parsed = parts.map((part) => parsePart(part.replaceAll("\r\n", "\n"), authorization));
  return parsed.length > 0 && parsed.every((part) => part !== undefined) ? parsed : undefined;
}

/** The answers as a batch's body. `boundary` must not occur in them. */
export function formatBatch(boundary: string, answers: { id: string; status: number; body: string }[]): string {
  const parts = answers.map(({ id, status, body }) =>
    [
      `--${boundary}`,
      "Content-Type: application/http",
      `Content-ID: ${id.replace(/^</, "<response-")}`,
      "",
      `HTTP/1.1 ${status} ${status < 300 ? "OK" : "Error"}`,
      "Content-Type: application/json; charset=UTF-8",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "",
      body,
      "",
    ].join("\r\n"),
  );
  return `${parts.join("")}--${boundary}--\r\n`;
}

/** Headers of the part, then a request with headers of its own, then its body; blank lines between them. */
function parsePart(part: string, authorization: string): Part | undefined {
  const [outer = "", inner = "", ...rest] = part.replace(/^\n/, "").split("\n\n");
  const line = /^(GET|POST|PUT|PATCH|DELETE) (\S+) HTTP\/1\.1$/m.exec(inner);
  if (line === null) {
    return undefined;
  }
  return {
    id: header(outer, "content-id") ?? "",
    request: {
      method: line[1] ?? "",
      url: line[2] ?? "",
      authorization: header(inner, "authorization") ?? authorization,
      body: rest.join("\n\n"),
    },
  };
}

function header(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: *(.*)$`, "im").exec(head)?.[1];
}
