/** The dashboard's server: who gets an answer, and what an open page is sent. */
import { request } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PageDocument } from "../../../../cli/dashboard/document";
import { DashboardServer, refusalOf } from "../../../../cli/dashboard/server";
import { approvalKey } from "../../../../rules/contract";
import { until } from "../../../setup/until";
import { environmentOf, FakeCompute } from "../google/fake-compute";
import { approval, good, report } from "../fleet-samples";
import { runFleet } from "../run-fleet";
import { documentOf, failed, well } from "./documents";

describe("a request", () => {
  const asked = (changes: { method?: string; url?: string; headers?: Record<string, string> } = {}) =>
    refusalOf(
      { method: "GET", url: "/?token=secret", ...changes, headers: { host: "127.0.0.1:80", ...changes.headers } },
      { port: 80, token: "secret" },
    )?.status;

  it.each([
    ["with the token", {}, undefined],
    ["by the other name of loopback", { headers: { host: "localhost:80" } }, undefined],
    [
      "from the page itself",
      { headers: { "sec-fetch-site": "same-origin", origin: "http://127.0.0.1:80" } },
      undefined,
    ],
    ["without a token", { url: "/" }, 403],
    ["with another token", { url: "/?token=secreT" }, 403],
    ["with a longer token", { url: "/?token=secret1" }, 403],
    ["for another host", { headers: { host: "evil.example:80" } }, 421],
    ["for another port", { headers: { host: "127.0.0.1:81" } }, 421],
    ["from another page", { headers: { origin: "https://evil.example" } }, 403],
    ["from another site", { headers: { "sec-fetch-site": "cross-site" } }, 403],
    ["that writes", { method: "POST" }, 405],
  ])("%s", (_, changes, status) => {
    expect(asked(changes)).toBe(status);
  });
});

const code = { script: "", style: "" };

describe("a server", () => {
  let server: DashboardServer;
  let address: URL;
  let looks = 0;
  beforeEach(async () => {
    looks = 0;
    server = new DashboardServer(code, () => {
      looks += 1;
      return Promise.resolve(documentOf(well(3)));
    });
    address = new URL(await server.start(0));
  });
  afterEach(() => server.stop());

  it("sends the page with a policy that no frame may pass", async () => {
    const answer = await fetch(address);
    expect([answer.status, looks]).toEqual([200, 1]);
    expect(answer.headers.get("content-security-policy")).toMatch(/^default-src 'none'; .*frame-ancestors 'none'$/);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await answer.text()).toContain('"name":"dev-alice"');
    expect((await fetch(new URL("/other", address).href + address.search)).status).toBe(404);
  });

  it("answers a name that is not its own with nothing of the fleet", async () => {
    const text = await new Promise<string>((resolve) => {
      const headers = { host: "evil.example" };
      request(address, { headers }, (answer) => answer.on("data", (data) => resolve(String(data)))).end();
    });
    expect(text).toBe("this server answers for 127.0.0.1 only\n");
  });

  it("sends an open page the whole document and then what changed", async () => {
    await (await fetch(address)).text();
    const leave = new AbortController();
    const events = await fetch(new URL(`/events${address.search}`, address), { signal: leave.signal });
    let text = "";
    void (async () => {
      for await (const part of events.body ?? []) text += Buffer.from(part as Uint8Array).toString();
    })().catch(() => undefined);
    await until("the document", 10, () => text.includes("event: document"));
    expect(server.watched).toBe(true);
    server.publish(documentOf(failed(3)));
    server.problem("the Compute API does not answer");
    await until("the change and the problem", 10, () => text.includes("event: problem"));
    const change = /event: change\ndata: (.*)/.exec(text)?.[1] ?? "{}";
    expect((JSON.parse(change) as PageDocument["status"]).vms.map(({ name }) => name)).toContain("dev-alice");
    leave.abort();
    await until("no one watches", 10, () => !server.watched);
  });
});

describe("fleet dashboard", () => {
  it("prints its address, reads only while a page is open, and ends with Ctrl-C", async () => {
    const fake = new FakeCompute();
    const endpoint = await fake.start();
    fake.instances = [
      {
        name: "dev-alice",
        labels: { "nixos-fleet": "devs", "nixos-fleet-stack": "dev", "nixos-fleet-wave": "rest" },
        guest: { "nixos-fleet/system": JSON.stringify(report()) },
      },
    ];
    fake.metadata[approvalKey("devs", "dev", "rest")] = JSON.stringify(approval(good));
    const ctrlC = new AbortController();
    const out: string[] = [];
    const running = runFleet(
      ["dashboard", "--json", "--open"],
      {
        PATH: "/nonexistent",
        ...environmentOf(endpoint),
      },
      { signal: ctrlC.signal, print: (line) => out.push(line) },
    );
    await until("the address", 10, () => out.length > 0);
    const { url } = JSON.parse(out.join("\n")) as { url: string };
    expect(fake.count("getGuestAttributes")).toBe(0);
    expect(await (await fetch(url)).text()).toContain("dev-alice");
    expect(fake.count("getGuestAttributes")).toBe(1);
    ctrlC.abort();
    expect(await running).toMatchObject({ code: 130, err: [expect.stringMatching(/open the address yourself$/)] });
    await expect(fetch(url)).rejects.toThrow();
    await fake.stop();
  });

  it("refuses a port that is none", async () => {
    const { code: exit, err } = await runFleet(["dashboard", "--port", "70000"], {});
    expect([exit, err]).toEqual([2, ["dashboard: --port is 70000; it must be a port from 1 to 65535"]]);
  });
});
