/** The tool and the gates call Google with the identity that the gcp provider has. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { accountOf, credentials, serviceAccount } from "../../../../cli/google/credentials";
import { approvalKey } from "../../../../rules/contract";
import { error, FakeCompute } from "./fake-compute";
import { approval, good, report } from "../fleet-samples";
import { runFleet } from "../run-fleet";
import { writeStackFile } from "../stack-file";
import { TokenServer } from "./token-server";

const account = "fleet@acme.iam.gserviceaccount.com";
const tokens = new TokenServer();
let fake: FakeCompute;
let endpoint: string;
let directory: string;

beforeEach(async () => {
  fake = new FakeCompute();
  endpoint = await fake.start();
  await tokens.start();
  tokens.lent.length = 0;
  directory = mkdtempSync(join(tmpdir(), "identity-"));
  writeFileSync(join(directory, "Pulumi.yaml"), "name: devs\nruntime: nodejs\n");
  vi.spyOn(process, "cwd").mockReturnValue(directory);
  fake.instances = [
    {
      name: "dev-1",
      labels: { "nixos-fleet": "devs", "nixos-fleet-stack": "dev" },
      metadata: { "nixos-fleet": JSON.stringify({ wave: "all", follow: "branch", homes: [] }) },
      guest: { "nixos-fleet/system": JSON.stringify(report({ at: new Date().toISOString() })) },
    },
  ];
  fake.metadata[approvalKey("devs", "dev", "all")] = JSON.stringify(approval(good));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all([fake.stop(), tokens.stop()]);
  rmSync(directory, { recursive: true });
});

const stackFile = (settings: Record<string, string>, secret?: readonly string[]) =>
  writeStackFile(directory, settings, secret);

function environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return {
    NIXOS_FLEET_COMPUTE_ENDPOINT: endpoint,
    NIXOS_FLEET_LOGGING_ENDPOINT: new URL("/logging/", endpoint).href,
    NIXOS_FLEET_IAMCREDENTIALS_ENDPOINT: tokens.endpoint,
    GOOGLE_CLOUD_PROJECT: "p",
    USER: "eve",
    PATH: `${directory}:/usr/bin:/bin`,
    ...more,
  };
}

/** The tool, then a gate: both end well, and called Compute with nothing but this. */
async function bothCallWith(token: string, more: NodeJS.ProcessEnv = {}): Promise<void> {
  const status = await runFleet(["status"], environment(more));
  expect([status.err, status.code]).toEqual([[], 0]);
  const gate = {
    NIXOS_FLEET_FLEET: "devs",
    NIXOS_FLEET_STACK: "dev",
    NIXOS_FLEET_WAVE: "all",
    NIXOS_FLEET_REVISION: good,
    NIXOS_FLEET_MEMBERS: "dev-1",
  };
  expect((await runFleet(["await"], environment({ ...gate, ...more }))).code).toBe(0);
  expect([...fake.authorizations]).toEqual([`Bearer ${token}`]);
}

describe("the identity of tool and gate", () => {
  it("is the account that GOOGLE_IMPERSONATE_SERVICE_ACCOUNT names", async () => {
    await bothCallWith(`lent-${account}`, {
      GOOGLE_OAUTH_ACCESS_TOKEN: "mine",
      GOOGLE_IMPERSONATE_SERVICE_ACCOUNT: account,
    });
    expect(tokens.lent[0]).toEqual({
      account,
      authorization: "Bearer mine",
      delegates: [],
      scope: ["https://www.googleapis.com/auth/compute"],
    });
  });

  it("is what GOOGLE_CREDENTIALS holds, a file or its text", async () => {
    writeFileSync(join(directory, "subject"), "ci");
    const key = JSON.stringify(tokens.federated(join(directory, "subject")));
    writeFileSync(join(directory, "key.json"), key);
    await bothCallWith("exchanged-ci", { GOOGLE_CREDENTIALS: key });
    await bothCallWith("exchanged-ci", { GOOGLE_CREDENTIALS: join(directory, "key.json") });
  });

  it("is gcp:impersonateServiceAccount of the stack, through its delegates", async () => {
    stackFile({
      "gcp:impersonateServiceAccount": account,
      "gcp:impersonateServiceAccountDelegates": '["between@acme.iam.gserviceaccount.com"]',
    });
    await bothCallWith(`lent-${account}`, { GOOGLE_OAUTH_ACCESS_TOKEN: "mine" });
    expect(tokens.lent[0]).toMatchObject({ delegates: ["between@acme.iam.gserviceaccount.com"] });
  });

  it("is gcp:accessToken of the stack, which goes before the environment's", async () => {
    stackFile({ "gcp:accessToken": "the-stack's" }, ["gcp:accessToken"]);
    await bothCallWith("the-stack's", { GOOGLE_OAUTH_ACCESS_TOKEN: "mine" });
  });

  it("is gcp:credentials of the stack, billed to the project that it names", async () => {
    writeFileSync(join(directory, "subject"), "stack");
    stackFile(
      {
        "gcp:credentials": JSON.stringify(tokens.federated(join(directory, "subject"))),
        "gcp:userProjectOverride": "true",
        "gcp:billingProject": "money",
      },
      ["gcp:credentials"],
    );
    await bothCallWith("exchanged-stack", { GOOGLE_OAUTH_ACCESS_TOKEN: "mine" });
    expect([...fake.billed]).toEqual(["money"]);
  });

  it("asks Pulumi nothing where no settings file chooses it", async () => {
    stackFile({ "gcp:project": "p" });
    await bothCallWith("mine", { GOOGLE_OAUTH_ACCESS_TOKEN: "mine" });
    expect(() => rmSync(join(directory, "asked"))).toThrow("ENOENT");
  });

  it("is the environment's where another stack's file goes while they are read", async () => {
    symlinkSync(join(directory, "gone"), join(directory, "Pulumi.other.yaml"));
    await bothCallWith("mine", { GOOGLE_OAUTH_ACCESS_TOKEN: "mine" });
  });

  it("that may not be taken, or cannot be read, is said in one line", async () => {
    const env = { GOOGLE_OAUTH_ACCESS_TOKEN: "mine", GOOGLE_IMPERSONATE_SERVICE_ACCOUNT: "nobody@acme" };
    const refused = await runFleet(["status"], environment(env));
    expect([refused.code, refused.err.length]).toEqual([1, 1]);
    expect(refused.err[0]).toContain("cannot act as nobody@acme: HTTP 403: Permission");
    expect(refused.err[0]).toContain("grant roles/iam.serviceAccountTokenCreator on it");
    stackFile({ "gcp:accessToken": "x" });
    const { code, err } = await runFleet(["status"], environment({ PATH: "/usr/bin:/bin" }));
    expect([code, err.length]).toEqual([1, 1]);
    expect(err[0]).toMatch(
      /^Pulumi\.dev\.yaml in .* chooses the identity for Google, and Pulumi cannot read it: pulumi/,
    );
  });
});

describe("a token that has expired", () => {
  beforeEach(() => {
    fake.fault = () => error(401, "Request had invalid authentication credentials", "authError");
  });

  it("is named with its variable and how to renew it: a login would not help", async () => {
    const { code, err } = await runFleet(["status"], environment({ GOOGLE_OAUTH_ACCESS_TOKEN: "old" }));
    expect([code, err]).toEqual([
      1,
      [
        'Google refuses the token of GOOGLE_OAUTH_ACCESS_TOKEN (HTTP 401); it may have expired. Renew it: export GOOGLE_OAUTH_ACCESS_TOKEN="$(gcloud auth print-access-token)"; without it your login counts [NF203]',
      ],
    ]);
    expect(fake.requests).toHaveLength(1);
  });

  it("is named also if it ends before a change, which then was not made", async () => {
    fake.fault = (request) =>
      request.startsWith("POST") && !request.includes("logging")
        ? error(401, "Request had invalid", "authError")
        : undefined;
    const args = ["hold", "--why", "demo"];
    const { code, err } = await runFleet(args, environment({ GOOGLE_OAUTH_ACCESS_TOKEN: "old" }));
    expect([code, err.length]).toEqual([1, 1]);
    expect(err[0]).toMatch(/^Google refuses the token of GOOGLE_OAUTH_ACCESS_TOKEN .*your login counts \[NF203\]$/);
  });

  it("is named with its setting, which goes before the variable", async () => {
    stackFile({ "gcp:accessToken": "old" });
    const { err } = await runFleet(["status"], environment({ GOOGLE_OAUTH_ACCESS_TOKEN: "mine" }));
    expect(err[0]).toContain("the token of gcp:accessToken (HTTP 401)");
    expect(err[0]).toContain("gcloud auth print-access-token | pulumi config set --secret gcp:accessToken;");
  });
});

describe("credentials that cannot be used", () => {
  afterEach(() => vi.unstubAllEnvs());

  it.each([
    ["a file that is not there", undefined, /no such file or directory/],
    ["an empty file", "", /Unexpected end of JSON input/],
    ["a broken key", '{"type":"service_account","client_email":"a@b","private_key":"x"}', /DECODER|PEM|unsupported/],
    ["half a login", '{"type":"authorized_user","client_id":"a","client_secret":"b"}', /refresh_token/],
  ])("are said in one line, with how to get others: %s", async (_, text, why) => {
    const file = join(directory, "adc.json");
    rmSync(file, { force: true });
    if (text !== undefined) writeFileSync(file, text);
    vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", file);
    const { code, err } = await runFleet(["status"], environment());
    expect([code, err.length]).toEqual([1, 1]);
    expect(err[0]).toMatch(why);
    expect(err[0]).toMatch(/; run gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS to /);
    expect(err[0]).not.toMatch(/\bE[A-Z]{4,}: |local cloud/);
  });
});

describe("whose credentials these are", () => {
  it("is the key's account, or the impersonated one", async () => {
    const key = { type: "service_account", client_email: "ci@acme.iam.gserviceaccount.com", private_key: "x" };
    const own = { credentials: JSON.stringify(key) };
    expect(await accountOf(credentials({ project: "acme", identity: own }, ["compute"]))).toBe(key.client_email);
    const other = credentials({ project: "acme", identity: { ...own, impersonate: account } }, ["compute"]);
    expect(await accountOf(other)).toBe(account);
  });

  it("is found by a key that can be read", () => {
    expect(serviceAccount(undefined)).toEqual({});
    expect(() => serviceAccount("{broken")).toThrow(
      "gcp:credentials or GOOGLE_CREDENTIALS: it begins like JSON and is none; set it to a service account's key or to its file",
    );
    expect(() => serviceAccount("/nowhere/key.json")).toThrow("/nowhere/key.json: no such file or directory;");
  });
});
