/** The notes of the Pulumi SDK about itself are not sent; all others are. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import * as pulumi from "@pulumi/pulumi";
import { leaveNotesUnsent } from "../../../infra/sdk-notes";

const sdk = resolve(__dirname, "../../../node_modules/@pulumi/pulumi");

function sent(...messages: string[]): string[] {
  const all: string[] = [];
  const log = { debug: vi.fn((message: string) => Promise.resolve(void all.push(message))) };
  leaveNotesUnsent(log);
  // Twice changes nothing.
  leaveNotesUnsent(log);
  for (const message of messages) void log.debug(message);
  return all;
}

afterEach(() => vi.unstubAllEnvs());

it("leaves out what the SDK notes about each resource, and nothing else", () => {
  const others = ["of the program", "Registering resources of mine", "RegisterResource RPC failed: t=x, name=y, err=z"];
  expect(sent("Registering resource: t=x, name=y", "RegisterResource RPC finished: x", ...others)).toEqual(others);
});

it("sends all where a person looks for what is wrong", () => {
  vi.stubEnv("NIXOS_FLEET_DEBUG", "1");
  expect(sent("Registering resource: t=x, name=y")).toHaveLength(1);
});

it("knows the notes that the SDK has, and reaches them", () => {
  const text = readFileSync(join(sdk, "runtime/resource.js"), "utf8");
  for (const note of ["Registering resource: ", "RegisterResource RPC prepared: ", "RegisterResource RPC finished: "])
    expect(text).toContain(`log.debug(\`${note}`);
  // What it calls is what a program has.
  expect(text).toContain('const log = __importStar(require("../log"));');
  expect(Object.getOwnPropertyDescriptor(pulumi.log, "debug")).toMatchObject({ writable: true });
});
