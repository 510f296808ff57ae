/** Two calls by which Google hands out tokens: of its token service for federated credentials, and of its IAM Credentials API. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

interface Lent {
  account: string;
  /** The header of who asked for it. */
  authorization: string | undefined;
  delegates: string[];
  scope: string[];
}

export class TokenServer {
  /** What was lent, in order. */
  readonly lent: Lent[] = [];
  /** The accounts that may be impersonated. */
  mayBe = ["fleet@acme.iam.gserviceaccount.com"];
  endpoint = "";
  private readonly server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { status, body } = this.answer(request.url ?? "", Buffer.concat(chunks).toString(), request.headers);
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    });
  });

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.endpoint = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Credentials as workload identity federation writes them for CI: a token from `file` is exchanged here. */
  federated(file: string): object {
    return {
      type: "external_account",
      audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/providers/git",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      token_url: `${this.endpoint}v1/token`,
      credential_source: { file },
    };
  }

  private answer(
    path: string,
    body: string,
    { authorization }: { authorization?: string | undefined },
  ): { status: number; body: object } {
    if (path === "/v1/token") {
      const token = new URLSearchParams(body).get("subject_token");
      return { status: 200, body: { access_token: `exchanged-${token}`, expires_in: 3600, token_type: "Bearer" } };
    }
    const [, account = ""] =
      /^\/v1\/projects\/-\/serviceAccounts\/([^:]+):generateAccessToken$/.exec(decodeURIComponent(path)) ?? [];
    if (!this.mayBe.includes(account)) {
      const message = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).";
      return { status: 403, body: { error: { code: 403, message, status: "PERMISSION_DENIED" } } };
    }
    const { delegates = [], scope = [] } = JSON.parse(body) as { delegates?: string[]; scope?: string[] };
    this.lent.push({ account, authorization, delegates, scope });
    const expireTime = new Date(Date.now() + 3600_000).toISOString();
    return { status: 200, body: { accessToken: `lent-${account}`, expireTime } };
  }
}
