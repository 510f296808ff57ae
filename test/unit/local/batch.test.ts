import { expect, test } from "vitest";
import { formatBatch, parseBatch } from "../../../local/api/batch";
import { makeNetwork, serve } from "./client";

/** As gcloud sends it. */
function batch(requests: string[]): string {
  const parts = requests.map((request, index) =>
    [
      "--b==",
      "Content-Type: application/http",
      "MIME-Version: 1.0",
      "Content-Transfer-Encoding: binary",
      `Content-ID: <x+${index}>`,
      "",
      `${request.split("\n")[0] ?? ""} HTTP/1.1`,
      "Content-Type: application/json",
      "",
      request.split("\n").slice(1).join("\n"),
    ].join("\n"),
  );
  return `${parts.join("\n")}\n--b==--\n`;
}

test("each part is answered by itself, under its own number", async () => {
  const served = await serve();
  await makeNetwork(served);
  const base = "/compute/v1/projects/local-project";
  const answer = await fetch(new URL("/batch/compute/v1", served.url), {
    method: "POST",
    headers: { authorization: "Bearer x", "content-type": 'multipart/mixed; boundary="b=="' },
    body: batch([
      `GET ${base}/global/networks/vpc`,
      `POST ${base}/global/networks\n{"name": "two"}`,
      `GET ${base}/zones/x`,
    ]),
  });
  served.close();
  const text = await answer.text();
  expect(answer.headers.get("content-type")).toMatch(/^multipart\/mixed; boundary=batch_/);
  const parts = text.split(/^--batch_\w+(?:--)?\r\n/m).filter((part) => part !== "");
  expect(parts.map((part) => /Content-ID: (.*)\r\n\r\nHTTP\/1.1 (\d+)/.exec(part)?.slice(1))).toEqual([
    ["<response-x+0>", "200"],
    ["<response-x+1>", "200"],
    ["<response-x+2>", "404"],
  ]);
  expect(parts[1]).toContain('"operationType":"insert"');
});

test("a body keeps its blank lines", () => {
  const [part] = parseBatch("multipart/mixed; boundary=b==", batch(['POST /x\n{"a":\n\n"b"}']), "Bearer y") ?? [];
  expect(part?.request).toMatchObject({ method: "POST", url: "/x", authorization: "Bearer y" });
  expect(JSON.parse(part?.request.body ?? "")).toEqual({ a: "b" });
});

test.each([
  ["application/json", "{}"],
  ["multipart/mixed; boundary=b", "nothing"],
  ["multipart/mixed; boundary=b", "--b\n\nno request\n--b--"],
])("%s %j is no batch", (type, body) => expect(parseBatch(type, body, "")).toBeUndefined());

test("an empty batch ends", () => expect(formatBatch("b", [])).toBe("--b--\r\n"));
