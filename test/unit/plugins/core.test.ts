import path from "node:path";
import { describe, expect, it } from "vitest";
import { mistakes } from "../../../local/plugins/core/check";
import { changes } from "../../../local/plugins/core/diff";
import { named, wasGenerated } from "../../../local/plugins/core/naming";
import { Typings, type Properties } from "../../../local/plugins/core/typings";
import { fromWire, toWire, UNKNOWN, type Props } from "../../../local/plugins/core/value";

const modules = path.resolve(__dirname, "../../../node_modules");
const gcp = new Typings(path.join(modules, "@pulumi/gcp"));
const command = new Typings(path.join(modules, "@pulumi/command"));

describe("values", () => {
  it("keep unknowns, and lose the marks of secrets and outputs", () => {
    const sent = toWire({ a: UNKNOWN, b: [1, { c: "x" }], d: null, e: "geheim" }, ["e"]);
    expect(JSON.stringify(sent.toJavaScript())).toContain("1b47061264138c4ac30d75fd1eb44270");
    expect(fromWire(sent)).toEqual({ a: UNKNOWN, b: [1, { c: "x" }], d: null, e: "geheim" });
  });
});

describe("changes", () => {
  const paths = (olds: Props, news: Props) => changes(olds, news).map(({ path: at, kind }) => `${kind} ${at}`);

  it("name every leaf that differs, by Pulumi's paths", () => {
    expect(
      paths({ a: { b: [1, 2], "x-y": 1 }, gone: 1 }, { a: { b: [1, 3, 4], "x-y": 1 }, "new-key": { z: 1 } }),
    ).toEqual(["update a.b[1]", "add a.b[2]", "delete gone", 'add ["new-key"]']);
  });

  it("take absent and null for the same, and an unknown for a change even of itself", () => {
    expect(paths({ a: null }, {})).toEqual([]);
    expect(paths({ a: "x", b: UNKNOWN }, { a: UNKNOWN, b: UNKNOWN })).toEqual(["update a", "update b"]);
  });

  it("leave out what only providers see", () => {
    expect(paths({ __defaults: [] }, { __defaults: ["name"] })).toEqual([]);
  });
});

describe("declarations", () => {
  it("are read with nested types, lists, maps and what is required", () => {
    const args = gcp.exported("compute/instance.d.ts", "InstanceArgs");
    expect(args["machineType"]).toEqual({ shape: { kind: "string" }, required: true });
    expect(args["labels"]).toEqual({ shape: { kind: "map", of: { kind: "string" } }, required: false });
    expect(args["tags"]).toEqual({ shape: { kind: "array", of: { kind: "string" } }, required: false });
    const boot = object(args, "bootDisk");
    expect(object(boot, "initializeParams")["size"]).toEqual({ shape: { kind: "number" }, required: false });
  });

  it("are read with constants of enumerations", () => {
    const args = command.exported("local/command.d.ts", "CommandArgs");
    expect(args["logging"]?.shape).toEqual({
      kind: "literals",
      values: ["stdout", "stderr", "stdoutAndStderr", "none"],
    });
    expect(args["triggers"]?.shape).toEqual({ kind: "array", of: { kind: "any" } });
  });

  it("that do not exist are an error", () => {
    expect(() => gcp.exported("compute/instance.d.ts", "NoArgs")).toThrow("@pulumi/gcp 9.37.0 declares no");
  });
});

describe("inputs", () => {
  const properties = gcp.exported("compute/instance.d.ts", "InstanceArgs");
  const good: Props = {
    machineType: "e2-medium",
    bootDisk: { initializeParams: { image: "debian-12", size: 10 } },
    networkInterfaces: [{ subnetwork: UNKNOWN }],
    labels: { a: "b" },
  };
  const reasons = (inputs: Props) => mistakes(properties, inputs, "it").map(({ reason }) => reason);

  it("that fit pass, unknown ones too", () => {
    expect(reasons(good)).toEqual([]);
    expect(reasons({ ...good, bootDisk: UNKNOWN, labels: UNKNOWN })).toEqual([]);
  });

  it("with unknown names are refused on every level, with what was meant", () => {
    expect(reasons({ ...good, machinetype: "x" })).toEqual([
      "machinetype is no property that it knows; did you mean machineType?",
    ]);
    expect(reasons({ ...good, bootDisk: { initializeParams: { sise: 1 } } })).toEqual([
      "bootDisk.initializeParams.sise is no property that it knows; did you mean size?",
    ]);
    expect(reasons({ ...good, networkInterfaces: [{ quite: "other" }] })).toEqual([
      "networkInterfaces[0].quite is no property that it knows",
    ]);
  });

  it("of the wrong type are refused without showing them", () => {
    expect(reasons({ ...good, labels: { a: 1 } })).toEqual(["labels.a must be a string, not a number"]);
    expect(reasons({ ...good, tags: "geheim" })).toEqual(["tags must be a list, not a string"]);
    expect(reasons({ ...good, bootDisk: "geheim" })).toEqual(["bootDisk must be an object, not a string"]);
    expect(reasons({ ...good, bootDisk: { initializeParams: { size: "10" } } })).toEqual([
      "bootDisk.initializeParams.size must be a number, not a string",
    ]);
  });

  it("that are missing are named", () => {
    expect(reasons({ machineType: null })).toEqual([
      "bootDisk is required",
      "machineType is required",
      "networkInterfaces is required",
    ]);
  });
});

describe("names", () => {
  const request = { urn: "u", name: "My-Net", inputs: {}, olds: {}, seed: Buffer.from("seed") };

  it("are made once, and the same for the same seed", () => {
    const first = named(request);
    expect(first["name"]).toMatch(/^my-net-[0-9a-f]{7}$/);
    expect(named(request)).toEqual(first);
    expect(named({ ...request, seed: Buffer.from("other"), olds: first })["name"]).toBe(first["name"]);
    expect(wasGenerated(first)).toBe(true);
  });

  it("of the program win, and are no generated ones", () => {
    const given = named({ ...request, inputs: { name: "mine" }, olds: named(request) });
    expect(given["name"]).toBe("mine");
    expect(wasGenerated(given)).toBe(false);
  });

  it("never pass 63 characters", () => {
    expect(named({ ...request, name: "x".repeat(100) })["name"]).toHaveLength(63);
  });
});

function object(properties: Properties, name: string): Properties {
  const shape = properties[name]?.shape;
  if (shape?.kind !== "object") throw new Error(`${name} is no object`);
  return shape.properties();
}
