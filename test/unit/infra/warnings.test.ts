import { describe, expect, it } from "vitest";
import {
  accessWarnings,
  hostWarnings,
  metadataWarnings,
  repositoryWarnings,
  triggerWarnings,
} from "../../../infra/preflight/warnings";
import { checkSettings } from "./check-settings";
import { alice } from "./present";

const vms = [{ name: "dev-alice", owner: "alice@example.com" }, { name: "dev-bob" }];
const warned = (keys: object) => {
  const { config, mistakes } = checkSettings({ vms, ...keys });
  if (!config) throw new Error(mistakes.join("\n"));
  return accessWarnings(config);
};

describe("VMs that nobody may log in to", () => {
  it("are named before an update", () => {
    expect(warned({})).toEqual([expect.stringContaining("nobody may log in to any VM by this stack")]);
    expect(warned({ teams: { infra: ["group:infra@example.com"] } })).toEqual([]);
  });
});

describe("a repository that VMs clone by SSH", () => {
  const warnings = (keys: object) => {
    const { config, mistakes } = checkSettings({ vms, ...keys });
    if (!config) throw new Error(mistakes.join("\n"));
    return repositoryWarnings(config).map((line) =>
      line.replace(/ is not set.*(ssh-keyscan .*)$| is not set.*$/, " $1"),
    );
  };
  const repository = "git@git.example.com:infra/config.git";
  const knownHosts = ["git.example.com ssh-ed25519 AAAA"];

  it("needs a key and the server's host key", () => {
    expect(warnings({ repository })).toEqual([
      "nixos-fleet:deployKey: ",
      "nixos-fleet:knownHosts: ssh-keyscan git.example.com",
    ]);
    expect(warnings({ repository, deployKeySecret: "key" })).toEqual([
      "nixos-fleet:knownHosts: ssh-keyscan git.example.com",
    ]);
    expect(warnings({ repository, deployKeySecret: "key", knownHosts })).toEqual([]);
  });

  it("may be a home's, at a port of its own", () => {
    const home = "ssh://git@home.example.com:2222/alice.git";
    const homes = [{ user: "alice", repository: home }];
    expect(warnings({ vms: [{ name: "dev-alice", homes }], homeDeployKeySecrets: { [home]: "key" } })).toEqual([
      "nixos-fleet:knownHosts: ssh-keyscan -p 2222 home.example.com",
    ]);
  });

  it("is no matter by https", () => {
    expect(warnings({ repository: "https://git.example.com/c.git", deployKeySecret: "key" })).toEqual([]);
  });
});

it("a host that fleet build did not build is named before an update, and a manifest that names none says nothing", () => {
  const { config } = checkSettings({ vms: [{ name: "dev-alice", host: "dev-alcie" }, { name: "dev-bob" }] });
  const warnings = (...built: string[]) => hostWarnings(config?.vms ?? [], built, "b".repeat(40));
  expect(warnings("dev-alice", "dev-bob")).toEqual([
    'nixos-fleet:vms: by the manifest of bbbbbbb there is no nixosConfigurations.dev-alcie, the host of dev-alice; did you mean "dev-alice"?',
  ]);
  expect(warnings("dev-alcie", "dev-bob")).toEqual([]);
  expect(warnings()).toEqual([]);
});

it("a running VM that cannot be triggered by SSH is named with the reason, and one that is off or not there is not", () => {
  const skipped = "no SSH host key is published yet";
  const reachable = {
    "dev-alice": { skipped },
    "dev-carol": { skipped },
    "dev-dan": { skipped: "nothing answers on port 22" },
    "dev-off": { skipped: "is not running" },
    "dev-new": { skipped: "is not running" },
    "dev-bob": { host: "10.0.0.2", port: 22, hostKey: "ssh-ed25519 AAAA" },
  };
  const running = ["dev-bob", "dev-carol", "dev-dan"].map((name) => ({ ...alice, name }));
  const present = [alice, ...running, { ...alice, name: "dev-off", running: false }];
  expect(triggerWarnings(reachable, present)).toEqual([
    `nixos-fleet:trigger: dev-alice, dev-carol get no SSH trigger: ${skipped}; they see the approval without it`,
    "nixos-fleet:trigger: dev-dan gets no SSH trigger: nothing answers on port 22; it sees the approval without it",
  ]);
});

describe("the project's metadata", () => {
  it("are no matter until they are nearly full", () => {
    expect(metadataWarnings({ a: "x".repeat(300 * 1024) })).toEqual([]);
    expect(metadataWarnings({ a: "x".repeat(250 * 1024), b: "x".repeat(200 * 1024) })).toEqual([
      "gcp:project: its metadata has 450 of 512 KiB, and approvals need room in it; the largest item is a",
    ]);
  });
});
