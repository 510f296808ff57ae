/** The errors catalogue: docs/reference/errors.md, the table and the code that throws say the same. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { Exit } from "../../../agent/host/log";
import { ApiError } from "../../../cli/google/api-error";
import { OperationError } from "../../../cli/google/operation";
import { FleetError, UsageError } from "../../../cli/errors";
import { ConfigError } from "../../../infra/config-error";
import { errorKinds } from "../../../rules/error-codes";
import { errorsReference } from "../../../tools/reference/errors";
import { runFleet } from "../cli/run-fleet";

const root = resolve(__dirname, "../../..");
const text = (name: string) => readFileSync(join(root, name), "utf8");
const sources = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "agent", "cli", "infra", "rules"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((name) => name.endsWith(".ts"));
const codes = Object.keys(errorKinds);

/** Errors that a program ends with carry a code; the agents turn these into one that does, or into no error at all. */
const internal = ["SecretError", "UpdateFailure", "GitError", "HttpError", "MetadataAway", "ServerAway"];
internal.push("ReportsDisabled", "NoPrebuilt");

/** What is thrown, in every kind. */
const coded = { FleetError, UsageError, ApiError, OperationError, ConfigError, Exit };

it("comes with docs/reference/errors.md as ./scripts/docs writes it", () => {
  expect(text("docs/reference/errors.md")).toBe(errorsReference());
});

it("has every class of errors", () => {
  const classes = sources.flatMap((name) =>
    [...text(name).matchAll(/class (\w+) extends (?:\w+\.)?\w*Error\b/g)].map(([, one = ""]) => one),
  );
  expect(classes.sort()).toEqual([...internal, ...Object.keys(coded)].sort());
});

it.each([
  new FleetError("NF209", "x"),
  new UsageError("x"),
  new ConfigError(["x"]),
  new Exit(2, "x"),
  new Exit(1, "x", "NF402"),
  new ApiError("x", 401, undefined, false),
  new ApiError("x", 403, undefined, false),
  new ApiError("x", 403, undefined, true),
  new ApiError("x", undefined, undefined, false),
])("$name, as thrown, has a code of the table", ({ code }) => {
  expect(codes).toContain(code);
});

it("has no code that nothing uses", () => {
  const all = sources.filter((name) => name !== "rules/error-codes.ts").map(text);
  const table = text("rules/error-codes.ts");
  const stages = table.slice(table.indexOf("stageCodes"));
  expect(codes.filter((code) => ![...all, stages].some((source) => source.includes(`"${code}"`)))).toEqual([]);
});

it("refers to pages, commands and settings that are there", () => {
  for (const { cause, cure } of Object.values(errorKinds))
    for (const [page] of `${cause} ${cure}`.matchAll(/docs\/[\w-]+\.md/g)) expect(() => text(page)).not.toThrow();
});

describe("fleet explain", () => {
  it("prints cause and cure of a code", async () => {
    const { code, out } = await runFleet(["explain", "nf301"], {});
    const { title, cause, cure } = errorKinds.NF301;
    expect([code, out]).toEqual([0, [`NF301  ${title}`, "", `Cause: ${cause}`, `Cure: ${cure}`]]);
  });

  it("lists all codes, as JSON too", async () => {
    expect((await runFleet(["explain"], {})).out.map((line) => line.slice(0, 5))).toEqual(codes);
    const { out } = await runFleet(["explain", "NF102", "--json"], {});
    expect(JSON.parse(out.join("\n"))).toEqual({ code: "NF102", ...errorKinds.NF102 });
  });

  it("refuses a code that is none", async () => {
    const { code, err } = await runFleet(["explain", "NF999"], {});
    expect([code, err.length]).toEqual([2, 1]);
    expect(err[0]).toMatch(/^explain: there is no code NF999/);
  });
});
