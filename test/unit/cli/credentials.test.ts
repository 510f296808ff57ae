import { GoogleAuth } from "google-auth-library";
import { afterEach, describe, expect, it, vi } from "vitest";
import { accountOf, credentials, serviceAccount } from "../../../cli/google/credentials";

afterEach(() => vi.unstubAllEnvs());

describe("the tool's identity", () => {
  it("is the provider's where GOOGLE_CREDENTIALS holds a key", async () => {
    const key = { type: "service_account", client_email: "ci@acme.iam.gserviceaccount.com", private_key: "x" };
    vi.stubEnv("GOOGLE_CREDENTIALS", JSON.stringify(key));
    const auth = credentials({ project: "acme" }, ["compute"]);
    expect(auth).toBeInstanceOf(GoogleAuth);
    expect(await accountOf(auth)).toBe("ci@acme.iam.gserviceaccount.com");
  });

  it("may be a file's, or nobody's in particular", () => {
    expect(serviceAccount("/run/keys/ci.json")).toEqual({ keyFilename: "/run/keys/ci.json" });
    expect(serviceAccount(undefined)).toEqual({});
    expect(serviceAccount(" ")).toEqual({});
    expect(() => serviceAccount("{broken")).toThrow("GOOGLE_CREDENTIALS begins like JSON and is none");
  });
});
