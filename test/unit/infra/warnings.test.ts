import { describe, expect, it } from "vitest";
import {
  accessWarnings,
  bindingWarnings,
  hostWarnings,
  repositoryWarnings,
  triggerWarnings,
} from "../../../infra/preflight/warnings";
import { metadataFindings } from "../../../infra/preflight/metadata-size";
import { checkSettings } from "./check-settings";
import { alice } from "./present";

const vms = [{ name: "dev-alice", owner: "alice@example.com" }, { name: "dev-bob" }];
const warned = (keys: object) => {
  const { config, mistakes } = checkSettings({ vms, ...keys });
  if (!config) throw new Error(mistakes.join("\n"));
  return accessWarnings(config);
};

describe("VMs that no one may log in to", () => {
  it("are named before an update", () => {
    expect(warned({})).toEqual([expect.stringContaining("no one may log in to any VM by this stack")]);
    expect(warned({ teams: { infra: ["group:infra@example.com"] } })).toEqual([]);
  });
});

const many = Array.from({ length: 1000 }, (_, i) => ({ name: `dev-${i}`, owner: `p${i}@example.com` }));

describe("many VMs", () => {
  const { config } = checkSettings({ vms: many, access: "owners" });
  const vms = config?.vms ?? [];

  it("that no one may log in to are a short line", () => {
    const [line = ""] = accessWarnings({
      teams: { infra: [], developers: [] },
      access: "owners",
      vms: vms.map(({ owner, ...vm }, i) => (i === 0 && owner !== undefined ? { ...vm, owner } : vm)),
    });
    expect(line).toContain("dev-5, dev-6 and 993 more");
    expect(line.length).toBeLessThan(400);
  });

  it("whose hosts were not built are a few lines", () => {
    const lines = hostWarnings(vms, ["other"], "b".repeat(40));
    expect(lines).toHaveLength(7);
    expect(lines[6]).toBe("nixos-fleet:vms: by the manifest of bbbbbbb 994 more hosts are not there");
  });

  it("with an owner each are too many members of one policy at 1,400", () => {
    const owned = (count: number) =>
      bindingWarnings({
        teams: { infra: ["group:infra@example.com"], developers: [] },
        access: "owners",
        vms: [...vms, ...vms].slice(0, count).map((vm, i) => ({ ...vm, owner: `p${i}@example.com` })),
      });
    expect(owned(1399)).toEqual([]);
    expect(owned(1400)).toEqual([
      expect.stringMatching(/^nixos-fleet:access: 1401 people and groups .* 1500 .*access: teams/),
    ]);
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
  const present = [alice, ...running, { ...alice, name: "dev-off", up: false }];
  expect(triggerWarnings(reachable, present)).toEqual([
    `nixos-fleet:trigger: dev-alice, dev-carol get no SSH trigger: ${skipped}; they see the approval without it`,
    "nixos-fleet:trigger: dev-dan gets no SSH trigger: nothing answers on port 22; it sees the approval without it",
  ]);
});

describe("the project's metadata", () => {
  const KIB = 1024;
  const written = (approval: number) => ({ "nixos-fleet_devs_dev_rest": "x".repeat(approval * KIB) });
  const there = (...kib: number[]) => Object.fromEntries(kib.map((size, i) => [`item${i}`, "x".repeat(size * KIB)]));

  it("are no matter until they are nearly full", () => {
    expect(metadataFindings(there(200, 100), {})).toEqual({ mistakes: [], warnings: [] });
    expect(metadataFindings(there(250, 200), {}).warnings).toEqual([
      "gcp:project: its metadata has 451 of 512 KiB, and approvals need room in it; the largest item is item0",
    ]);
  });

  it("are counted as this run leaves them", () => {
    expect(metadataFindings(there(200, 100), written(150)).warnings).toHaveLength(1);
    expect(metadataFindings({ ...there(200), ...written(250) }, written(10))).toEqual({ mistakes: [], warnings: [] });
  });

  it("stop a run of which Compute would refuse an item", () => {
    expect(metadataFindings(there(200, 200), written(150)).mistakes).toEqual([
      "gcp:project: with the items of this run its metadata would have 551 KiB, and Compute takes 512; the largest item is item0",
    ]);
    expect(metadataFindings({}, written(257)).mistakes).toEqual([
      "gcp:project: the item nixos-fleet_devs_dev_rest would have 257 KiB, and Compute takes 256 in one; an approval has 0.2 kB for each repository of its wave's homes, so use more waves or stacks",
    ]);
  });

  it("that are too full stop no run that adds nothing", () => {
    expect(metadataFindings(there(250, 250, 20), {}).mistakes).toEqual([]);
  });
});
