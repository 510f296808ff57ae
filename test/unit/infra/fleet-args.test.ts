/** A fleet's arguments over the stack's configuration, and where its gates find the tool. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it, onTestFinished } from "vitest";
import { withArgs, withSecrets, type FleetArgs } from "../../../infra/fleet-args";
import { toolPath } from "../../../infra/tool-path";

const stack = { raw: { "nixos-fleet:branch": "main", "nixos-fleet:follow": "approved" }, encrypted: ["other:key"] };

describe("arguments", () => {
  it("go before the stack's keys, and leave the others as they are", () => {
    expect(withArgs("devs", { branch: "prod", vms: [{ name: "dev-a" }], zone: "europe-west1-c" }, stack)).toEqual({
      raw: {
        "nixos-fleet:fleet": "devs",
        "nixos-fleet:branch": "prod",
        "nixos-fleet:follow": "approved",
        "nixos-fleet:vms": '[{"name":"dev-a"}]',
        "gcp:zone": "europe-west1-c",
      },
      encrypted: ["other:key"],
    });
  });

  it("may be undefined, such as a key that the program reads itself, also where the compiler tells that from absent", () => {
    const none: FleetArgs = {
      ...{ project: undefined, region: undefined, zone: undefined, vmsFile: undefined, resolveFrom: undefined },
      ...{ existingNetwork: undefined, serviceAccount: undefined, sshPrivateKey: undefined },
      ...{ deployKey: undefined, deployKeys: undefined, homeDeployKeys: undefined },
    };
    expect(withArgs("devs", none, stack)).toEqual(withArgs("devs", {}, stack));
    expect(Object.values(withSecrets(none)).filter((value) => value !== undefined)).toEqual([]);
  });

  it.each([
    ["a list in place of a file", { "nixos-fleet:vmsFile": "vms.json" }, { vms: [{ name: "dev-a" }] }],
    ["a file in place of a list", { "nixos-fleet:vms": "[]" }, { vmsFile: "vms.json" }],
  ])("may give %s", (_, raw, args) => {
    const given = withArgs("devs", args, { raw, encrypted: [] }).raw;
    expect(Object.keys(given).filter((key) => key in raw)).toEqual([]);
    expect(Object.keys(given).filter((key) => key.startsWith("nixos-fleet:vms"))).toHaveLength(1);
  });

  it.each([
    ["the component's", {}, {}, "devs"],
    ["the stack's", { "nixos-fleet:fleet": "team" }, {}, "team"],
    ["the argument's", { "nixos-fleet:fleet": "team" }, { fleet: "own" }, "own"],
  ])("the fleet's name is %s", (_, raw, args, name) => {
    expect(withArgs("devs", args, { raw, encrypted: [] }).raw["nixos-fleet:fleet"]).toBe(name);
  });

  it("never carry a secret's value into the configuration", () => {
    const secrets = { deployKey: "k-1", homeDeployKeys: { "ssh://git@h/a.git": "k-2" }, sshPrivateKey: "k-3" };
    const { raw, encrypted } = withArgs("devs", secrets, stack);
    expect(JSON.stringify(raw)).not.toMatch(/k-\d/);
    expect(raw["nixos-fleet:homeDeployKeys"]).toBe('{"ssh://git@h/a.git":"[secret]"}');
    expect(encrypted).toEqual([
      "other:key",
      "nixos-fleet:deployKey",
      "nixos-fleet:homeDeployKeys",
      "nixos-fleet:sshPrivateKey",
    ]);
  });

  it("are secrets in the state", async () => {
    const { deployKey, homeDeployKeys } = withSecrets({
      deployKey: "k-1",
      homeDeployKeys: { "ssh://git@h/a.git": "k-2" },
    });
    for (const value of [deployKey, homeDeployKeys?.["ssh://git@h/a.git"]])
      expect(await pulumi.isSecret(value as pulumi.Output<string>)).toBe(true);
  });
});

describe("the tool's path", () => {
  const scratch = () => {
    const made = mkdtempSync(join(tmpdir(), "nixos-fleet-tool-"));
    onTestFinished(() => rmSync(made, { recursive: true }));
    return made;
  };

  it("is the repository's own where the program is the repository's", () => {
    expect(toolPath(resolve(__dirname, "../../.."))).toBe("./scripts/fleet");
  });

  it("is the installed package's from a program, and one further up; never a package manager's store", () => {
    const root = scratch();
    mkdirSync(join(root, "store/nixos-fleet@0.1.0/scripts"), { recursive: true });
    writeFileSync(join(root, "store/nixos-fleet@0.1.0/scripts/fleet"), "");
    mkdirSync(join(root, "node_modules"));
    symlinkSync("../store/nixos-fleet@0.1.0", join(root, "node_modules/nixos-fleet"));
    mkdirSync(join(root, "stacks/my fleet"), { recursive: true });
    expect(toolPath(root)).toBe("./node_modules/nixos-fleet/scripts/fleet");
    expect(toolPath(join(root, "stacks/my fleet"))).toBe("../../node_modules/nixos-fleet/scripts/fleet");
  });
});
