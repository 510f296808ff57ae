/** The metadata server's answers, over real connections: only 404 is "not there". */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MetadataAway, MetadataServer } from "../../../agent/metadata-server";
import { Google } from "./google";
import { readMetadata } from "../../../rules/metadata";

let server: http.Server;
let metadata: MetadataServer;
let answer: (request: http.IncomingMessage, response: http.ServerResponse) => void;
let connections = 0;

beforeEach(async () => {
  connections = 0;
  server = http.createServer((request, response) => answer(request, response));
  server.on("connection", () => connections++);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  metadata = new MetadataServer(`127.0.0.1:${(server.address() as AddressInfo).port}`);
});
afterEach(() => {
  metadata.close();
  server.closeAllConnections();
  server.close();
});

const item = JSON.stringify({ fleet: "devs", stack: "dev", wave: "all" });
const whole: Record<string, string> = {
  "/computeMetadata/v1/project/attributes/?recursive=true&alt=json": JSON.stringify({
    "nixos-fleet--devs--dev--all": "x",
    other: "y",
  }),
  "/computeMetadata/v1/instance/name": "dev-alice",
  "/computeMetadata/v1/instance/attributes/nixos-fleet": item,
};

describe("what a decision needs", () => {
  it("comes in three requests over one connection", async () => {
    let requests = 0;
    answer = (request, response) => {
      requests++;
      response.end(whole[request.url ?? ""]);
    };
    expect(readMetadata(await metadata.answers(), true)).toMatchObject({ kind: "present", vm: "dev-alice" });
    expect({ requests, connections }).toEqual({ requests: 3, connections: 1 });
  });

  const broken: [string, string, (response: http.ServerResponse) => void, string][] = [
    ["the item is not there", "nixos-fleet", (response) => response.writeHead(404).end(), "absent"],
    ["the item is forbidden", "nixos-fleet", (response) => response.writeHead(403).end(), "away"],
    ["the item comes with 500", "nixos-fleet", (response) => response.writeHead(500).end(item), "away"],
    ["the item is empty", "nixos-fleet", (response) => response.end(""), "away"],
    [
      "the item is cut short, although what came of it can be read",
      "nixos-fleet",
      (response) => (
        response.writeHead(200, { "content-length": 500 }),
        response.write(item),
        setTimeout(() => response.destroy(), 20)
      ),
      "away",
    ],
    ["the name is empty", "name", (response) => response.end(""), "away"],
    ["the project is no JSON", "project/", (response) => response.end("<html>"), "away"],
    ["the project is a list", "project/", (response) => response.end("[]"), "away"],
    ["the project is empty", "project/", (response) => response.end(""), "away"],
  ];
  it.each(broken)("where %s", async (_, path, respond, kind) => {
    answer = (request, response) => {
      if (request.url?.includes(path) === true) respond(response);
      else response.end(whole[request.url ?? ""]);
    };
    expect(readMetadata(await metadata.answers(), true).kind).toBe(kind);
  });
});

describe("a report", () => {
  it("is not sent again where reports are disabled, and says what disables them", async () => {
    let asked = 0;
    answer = (_, response) => {
      asked += 1;
      response.writeHead(403).end("Guest attributes endpoint access is disabled.");
    };
    await expect(metadata.publish("system", "{}")).rejects.toThrow("compute.disableGuestAttributesAccess");
    expect(asked).toBe(1);
  });
});

describe("a report that Google drops although it answers well", () => {
  let google: Google;
  beforeEach(async () => (google = await Google.start({ apis: false })));
  afterEach(() => google.stop());

  it("is written again", async () => {
    google.drops = 1;
    await google.metadataServer().publish("system", "new");
    expect([google.report("system"), google.published.length]).toEqual(["new", 2]);
  });

  it("is noticed also if the former report is still there", async () => {
    google.setReport("system", "old");
    google.drops = 1;
    await google.metadataServer().publish("system", "new");
    expect(google.report("system")).toBe("new");
  });

  it("costs no second write if it is there", async () => {
    await google.metadataServer().publish("system", "new");
    expect(google.published).toEqual([["system", "new"]]);
  });
});

describe("one request", () => {
  it("that gets no answer in time fails", async () => {
    answer = () => undefined;
    await expect(metadata.request("instance/id", { timeout: 100 })).rejects.toThrow(MetadataAway);
  });

  it("that gets an endless answer fails", async () => {
    answer = (_request, response) => {
      const more = () => {
        if (!response.destroyed) response.write("x".repeat(1 << 20), more);
      };
      more();
    };
    await expect(metadata.request("instance/id")).rejects.toThrow(MetadataAway);
  });

  it("for a change says which attributes it knows", async () => {
    const asked: string[] = [];
    answer = (request, response) => {
      asked.push(request.url ?? "");
      response.writeHead(200, { etag: "abc" }).end("{}");
    };
    expect(await metadata.waitForChange(undefined, 5)).toBe("abc");
    await metadata.waitForChange("a&b", 5);
    expect(asked[1]).toContain("wait_for_change=true&last_etag=a%26b&timeout_sec=5");
  });
});
