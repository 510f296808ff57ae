import { expect, it } from "vitest";
import { googleIdentity, type GoogleIdentity } from "../../../rules/google-identity";

type Texts = Record<string, string>;
const cases: [string, Texts, Texts, GoogleIdentity][] = [
  ["nothing is set", {}, {}, {}],
  ["empty values are none", { "gcp:credentials": " " }, { GOOGLE_OAUTH_ACCESS_TOKEN: "" }, {}],
  [
    "the environment",
    {},
    { GOOGLE_OAUTH_ACCESS_TOKEN: "t", GOOGLE_CREDENTIALS: "key.json" },
    { accessToken: "t", credentials: "key.json" },
  ],
  ["an older variable", {}, { GCLOUD_KEYFILE_JSON: "key.json" }, { credentials: "key.json" }],
  [
    "a setting goes before every variable",
    { "gcp:credentials": "{}" },
    { GOOGLE_OAUTH_ACCESS_TOKEN: "t" },
    { credentials: "{}" },
  ],
  ["a token setting", { "gcp:accessToken": "own" }, { GOOGLE_CREDENTIALS: "key.json" }, { accessToken: "own" }],
  [
    "impersonation goes on top",
    { "gcp:impersonateServiceAccount": "a@x", "gcp:impersonateServiceAccountDelegates": '["b@x"]' },
    { GOOGLE_OAUTH_ACCESS_TOKEN: "t", GOOGLE_IMPERSONATE_SERVICE_ACCOUNT: "other@x" },
    { accessToken: "t", impersonate: "a@x", delegates: ["b@x"] },
  ],
  ["impersonation by a variable", {}, { GOOGLE_IMPERSONATE_SERVICE_ACCOUNT: "a@x" }, { impersonate: "a@x" }],
  ["the called project is billed", { "gcp:userProjectOverride": "true" }, {}, { quotaProject: "acme" }],
  [
    "another project is billed",
    { "gcp:userProjectOverride": "true", "gcp:billingProject": "money" },
    {},
    { quotaProject: "money" },
  ],
  ["no project without the override", { "gcp:billingProject": "money", "gcp:userProjectOverride": "false" }, {}, {}],
  ["both by variables", {}, { USER_PROJECT_OVERRIDE: "1", GOOGLE_BILLING_PROJECT: "m" }, { quotaProject: "m" }],
];

it.each(cases)("the identity is the provider's: %s", (_, settings, env, identity) => {
  const { accessTokenFrom, ...found } = googleIdentity(settings, env, "acme");
  expect(found).toEqual(identity);
  const setting = settings["gcp:accessToken"] === undefined ? "GOOGLE_OAUTH_ACCESS_TOKEN" : "gcp:accessToken";
  expect(accessTokenFrom).toBe(identity.accessToken === undefined ? undefined : setting);
});
