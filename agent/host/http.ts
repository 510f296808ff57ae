/** One HTTPS request to the outside, by curl, which knows the machine's certificates and proxies. curl reads secrets from its standard input. */
import { type Finished, run, succeeded } from "./process";
import { oneLine } from "./log";

interface HttpRequest {
  /** Sent to this address alone. */
  token?: string;
  /** JSON that is sent. */
  body?: string;
  /** Milliseconds for the whole request. */
  timeout: number;
  /** Maximum size of the answer in bytes. */
  maxBytes?: number;
  /** Whether an HTTP error counts as a failure. Otherwise its answer is the result. */
  fail?: boolean;
}

/** No answer, or an HTTP error, in one line. */
export class HttpError extends Error {}

/** A text as a quoted value of curl's configuration files. */
export const quoted = (text: string) =>
  `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;

/** @returns the answer's body. @throws HttpError */
export async function httpRequest(url: string, request: HttpRequest): Promise<string> {
  const { token, body, timeout, maxBytes, fail = true } = request;
  const config = [
    `url = ${quoted(url)}`,
    ...(token === undefined ? [] : [`header = ${quoted(`Authorization: Bearer ${token}`)}`]),
    ...(body === undefined ? [] : [`header = "Content-Type: application/json"`, `data-binary = ${quoted(body)}`]),
  ];
  const args = [
    ...["--disable", "--silent", "--show-error", "--proto", "=http,https", "--connect-timeout", "10"],
    ...["--max-time", String(Math.ceil(timeout / 1000))],
    ...(maxBytes === undefined ? [] : ["--max-filesize", String(maxBytes)]),
    ...(fail ? ["--fail"] : []),
    ...["--config", "-"],
  ];
  const finished: Finished = await run("curl", args, { input: `${config.join("\n")}\n`, timeout: timeout + 5000 });
  if (!succeeded(finished)) throw new HttpError(oneLine(finished.stderr.trim() || "no answer"));
  return finished.stdout;
}
