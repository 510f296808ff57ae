/** `fleet init`: what a newcomer gets, and that nothing that is there is touched. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { parse } from "yaml";
import { checkConfig } from "../../../infra/config/fleet-config";
import { withVmsFile } from "../../../infra/config/vms/vms-file";
import { runFleet } from "./run-fleet";

const root = resolve(__dirname, "../../..");
let scratch: string;
let project: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "fleet init "));
  project = join(scratch, "my-fleet");
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const init = (...args: string[]) => runFleet(["init", project, ...args], {});

const files = (where: string) =>
  readdirSync(where, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => relative(where, join(one.parentPath, one.name)))
    .sort();

const text = (...path: string[]) => readFileSync(join(project, ...path), "utf8");

/** The stack's file as Pulumi would hand it over: its plain keys, and its teams. */
function settingsOf(stack: string): Record<string, string> {
  const lines = text(`Pulumi.${stack}.yaml`);
  const plain = [...lines.matchAll(/^ {2}([\w:-]+): (\S.*)$/gm)].map(([, key = "", value = ""]) => [
    key,
    value.startsWith('"') ? (JSON.parse(value) as string) : value,
  ]);
  const teams = [...lines.matchAll(/^ {4}(infra|developers): (\[.*\])$/gm)].map(([, team = "", members = ""]) => [
    team,
    JSON.parse(members) as string[],
  ]);
  return {
    ...(Object.fromEntries(plain) as Record<string, string>),
    "nixos-fleet:teams": JSON.stringify(Object.fromEntries(teams)),
    "nixos-fleet:waves": '[{"name":"canary","vms":["dev-canary"]},{"name":"rest","rest":true}]',
  };
}

const given = [
  ...["--stack", "acme", "--project", "acme-dev", "--repository", "git@git.example.com:nixos-config.git"],
  ...["--infra", "group:infra@example.com", "--developers", "group:devs@example.com"],
  ...["--developers", "user:z@example.com"],
  ...["--image", "projects/acme-dev/global/images/family/nixos-fleet", "--flake", "github:acme/nixos-fleet"],
];

describe("the project", () => {
  it("imports the package that the clone of the tool builds, says so, and is named by its directory", async () => {
    const { code, err, out } = await init();
    expect([code, err]).toEqual([0, []]);
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    expect(JSON.parse(text("package.json"))).toMatchObject({
      name: "my-fleet",
      dependencies: { "nixos-fleet": `file:${relative(project, join(root, `build/nixos-fleet-${version}.tgz`))}` },
    });
    const steps = out.filter((line) => /^\d\. /.test(line));
    expect(steps[3]).toMatch(/^4\. build the package that package\.json names: .*scripts\/pack$/);
    expect(steps[4]).toMatch(/^5\. log in: .*pulumi login/);
    expect(steps[5]).toMatch(
      /^6\. in .*my-fleet: npm install && pulumi stack init prod && npx fleet doctor; .*--secrets-provider/,
    );
    expect(steps[6]).toBe("7. pulumi up, then npx fleet status");
    expect(steps[7]).toMatch(/README\.md; the package has to be where CI can install it$/);
    expect(text("Pulumi.yaml")).toMatch(/^name: my-fleet\ndescription: .*\nmain: index\.ts\nruntime: nodejs\n$/);
    expect(text("index.ts")).toContain('from "nixos-fleet"');
    expect(files(project)).toEqual(
      [
        ...[".envrc", ".github/workflows/fleet.yml", ".gitignore", ".gitlab-ci.yml", "Pulumi.prod.yaml", "Pulumi.yaml"],
        ...["README.md", "index.ts", "package.json", "tsconfig.json"],
      ].sort(),
    );
    for (const file of files(project))
      if (!file.includes("workflows")) expect(text(file), file).not.toMatch(/\$\{(PROJECT|DESCRIPTION)\}/);
  });

  it("says what VMs need to clone a repository by SSH", async () => {
    await init(...given);
    expect(text("Pulumi.acme.yaml")).toMatch(
      /\n +# .*pulumi config set --secret nixos-fleet:deployKey <deploy-key\n +# .*ssh-keyscan git\.example\.com prints/,
    );
    expect(text("Pulumi.acme.yaml")).toContain('\n  # nixos-fleet:knownHosts: ["git.example.com ssh-ed25519 AAAA…"]\n');
  });

  it("says nothing of that for one by https", async () => {
    await init("--repository", "https://git.example.com/nixos-config.git");
    expect(text("Pulumi.prod.yaml")).not.toContain("knownHosts");
  });

  it("pins the versions that the package itself is tested with", () => {
    const ours = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<string, Record<string, string>>;
    const template = JSON.parse(
      readFileSync(join(root, "templates/pulumi-project/package.json"), "utf8"),
    ) as typeof ours;
    const all: Record<string, unknown> = {
      ...ours["dependencies"],
      ...ours["devDependencies"],
      "nixos-fleet": ours["version"],
    };
    for (const [name, version] of Object.entries({ ...template["dependencies"], ...template["devDependencies"] }))
      expect(version, name).toBe(all[name]);
    expect(template["engines"]).toEqual(ours["engines"]);
  });

  it("has a CI for its own stack and config repository, of the same variables as its README", async () => {
    await init("--stack", "acme", "--config-directory", join(scratch, "machines"));
    for (const file of [".github/workflows/fleet.yml", ".gitlab-ci.yml"]) {
      expect(text(file)).toMatch(/^ +STACK: acme$/m);
      expect(text(file)).toMatch(/^ +CONFIG_DIRECTORY: machines$/m);
      for (const variable of [
        "WORKLOAD_IDENTITY_PROVIDER",
        "SERVICE_ACCOUNT",
        "PREVIEW_SERVICE_ACCOUNT",
        "CONFIG_REPOSITORY",
      ]) {
        expect(text(file), variable).toContain(variable);
        expect(text("README.md")).toContain(`\`${variable}\``);
      }
    }
    expect(text("README.md")).toContain("pulumi stack init acme --secrets-provider=");
    expect(text("README.md")).toContain("fill in `Pulumi.acme.yaml`");
    expect(text("Pulumi.acme.yaml")).toContain('nixos-fleet:vmsFile: "../machines/vms.json"');
  });

  it("takes another package, such as a tarball", async () => {
    await init("--package", "file:../nixos-fleet-0.2.0.tgz");
    expect(JSON.parse(text("package.json"))).toMatchObject({
      dependencies: { "nixos-fleet": "file:../nixos-fleet-0.2.0.tgz" },
    });
  });
});

describe("the stack", () => {
  it("leaves open what was not given, which the program then names, and nothing else", async () => {
    const { out } = await init();
    expect(out[0]).toMatch(/^\d+ files in .*my-fleet and .*my-fleet-config$/);
    expect(out.join("\n")).toMatch(
      /set gcp:project, nixos-fleet:repository, nixos-fleet:teams \(no one can log in yet\) in .*Pulumi\.prod\.yaml\n/,
    );
    const { raw, mistakes } = withVmsFile(settingsOf("prod"), project);
    expect(mistakes).toEqual([]);
    expect(checkConfig(raw, "prod").mistakes).toEqual([
      expect.stringMatching(/^nixos-fleet:repository: /),
      expect.stringMatching(/^gcp:project: must be set/),
    ]);
  });

  it.each([
    [[], ["infra", "developers"]],
    [["--developers", "group:d@example.com"], ["infra"]],
  ])("has comments that are right without their #: %j", async (args, open) => {
    await init(...args);
    const lines = text("Pulumi.prod.yaml").replace(/# (nixos-fleet:teams:|  infra:|  developers:|infra:)/g, "$1");
    const { config } = parse(lines) as { config: Record<string, unknown> };
    expect(config["nixos-fleet:teams"]).toEqual({
      infra: ["group:infra@example.com"],
      developers: [open.includes("developers") ? "group:developers@example.com" : "group:d@example.com"],
    });
  });

  it("is right where all was given", async () => {
    const { out } = await init(...given, "--json");
    const { next } = JSON.parse(out.join("\n")) as { next: string[] };
    expect(next.join("\n")).not.toMatch(/gcp:project|set nixos-fleet's URL/);
    const { raw } = withVmsFile(settingsOf("acme"), project);
    const { config, mistakes } = checkConfig(raw, "acme");
    expect(mistakes).toEqual([]);
    expect(config?.vms.map(({ name }) => name)).toEqual(["dev-canary", "dev-alice", "dev-bob"]);
    expect(config?.teams).toEqual({
      infra: ["group:infra@example.com"],
      developers: ["group:devs@example.com", "user:z@example.com"],
    });
    expect(text("Pulumi.acme.yaml")).toContain('image: "projects/acme-dev/global/images/family/nixos-fleet"');
  });

  it("is asked for on a terminal, again where an answer cannot be", async () => {
    const replies = [
      "Acme!",
      "acme-dev",
      "https://s3cret@git.example.com/config.git",
      "",
      "",
      "infra@example.com",
      "group:a@example.com, user:b@example.com",
      "",
      "",
    ];
    const asked: string[] = [];
    const ask = (question: string) => {
      asked.push(question);
      return Promise.resolve(replies.shift() ?? "");
    };
    const { code, err } = await runFleet(["init", project, "--region", "europe-west4"], {}, { ask });
    expect([code, replies]).toEqual([0, []]);
    expect(err).toEqual([
      "Acme! is not a project's id, such as acme-dev",
      expect.stringMatching(/^it must not hold a user name/),
      "infra@example.com is not user:ADDRESS or group:ADDRESS",
    ]);
    expect(asked.filter((question) => question.startsWith("The Google Cloud project"))).toHaveLength(2);
    expect(settingsOf("prod")).toMatchObject({
      "gcp:project": "acme-dev",
      "gcp:region": "europe-west4",
      // Without it the tool would take any fleet of the project whose stack has the same name.
      "nixos-fleet:fleet": "devs",
      "nixos-fleet:teams": '{"infra":["group:a@example.com","user:b@example.com"]}',
    });
  });
});

describe("the config repository", () => {
  const config = () => join(scratch, "my-fleet-config");
  const example = join(root, "examples/config-repo");

  it("is the example", async () => {
    await init();
    expect(files(config())).toEqual(files(example));
    for (const name of files(config()))
      expect(readFileSync(join(config(), name))).toEqual(readFileSync(join(example, name)));
  });

  it("names nixos-fleet as it was given, and nowhere as the example does", async () => {
    await init(...given);
    const all = files(config()).map((name) => readFileSync(join(config(), name), "utf8"));
    expect(all.join("\n")).not.toContain("example-org");
    expect(readFileSync(join(config(), "flake.nix"), "utf8")).toContain('url = "github:acme/nixos-fleet";');
  });
});

describe("what is there", () => {
  it("is an empty directory at most", async () => {
    mkdirSync(project);
    expect((await init()).code).toBe(0);
    const again = await init("--config-directory", join(scratch, "other"));
    expect(again).toMatchObject({
      code: 2,
      out: [],
      err: [expect.stringMatching(/my-fleet is not empty; name a new/)],
    });
    expect(existsSync(join(scratch, "other"))).toBe(false);
  });

  it("keeps a config repository that is not empty from being touched, and the project from being written", async () => {
    mkdirSync(join(scratch, "my-fleet-config"));
    writeFileSync(join(scratch, "my-fleet-config/vms.json"), "mine");
    expect(await init()).toMatchObject({
      code: 2,
      err: [expect.stringMatching(/my-fleet-config is not empty and has no flake\.nix; name a new/)],
    });
    expect([readFileSync(join(scratch, "my-fleet-config/vms.json"), "utf8"), existsSync(project)]).toEqual([
      "mine",
      false,
    ]);
  });

  it("is a clone of a config repository: it stays as it is, and the steps say what its flake needs", async () => {
    const clone = join(scratch, "nixos-config");
    mkdirSync(clone);
    writeFileSync(join(clone, "flake.nix"), "mine");
    const { code, err, out } = await init("--config-directory", clone, "--flake", "github:acme/nixos-fleet");
    expect([code, err]).toEqual([0, []]);
    expect(files(clone)).toEqual(["flake.nix"]);
    expect(readFileSync(join(clone, "flake.nix"), "utf8")).toBe("mine");
    expect(text("Pulumi.prod.yaml")).toContain('nixos-fleet:vmsFile: "../nixos-config/vms.json"');
    expect(text(".gitlab-ci.yml")).toMatch(/^ +CONFIG_DIRECTORY: nixos-config$/m);
    expect(out[0]).toMatch(/^10 files in .*my-fleet; .*nixos-config stays as it is$/);
    const [first, second] = out.filter((line) => /^\d\. /.test(line));
    expect(first).toMatch(
      /^1\. in .*nixos-config, add the input github:acme\/nixos-fleet, nixosModules\.dev-vm to each VM's host, and vms\.json: .*docs\/moving\.md, "An existing flake"$/,
    );
    expect(second).toMatch(/^2\. there: nix flake lock, commit, and push it to where the VMs can clone it$/);
    expect(out.join("\n")).toContain("nixos-fleet:waves (your canary)");
    expect(out.join("\n")).not.toContain("for CI, too");
  });

  it("may have its flake in a folder of a clone elsewhere, which CI clones beside the project", async () => {
    const clone = join(scratch, "src/machines");
    mkdirSync(join(clone, ".git"), { recursive: true });
    mkdirSync(join(clone, "infra/nixos"), { recursive: true });
    writeFileSync(join(clone, "infra/nixos/flake.nix"), "mine");
    const { out } = await init("--config-directory", join(clone, "infra/nixos"));
    expect(settingsOf("prod")).toMatchObject({
      "nixos-fleet:subdirectory": "infra/nixos",
      "nixos-fleet:vmsFile": "../src/machines/infra/nixos/vms.json",
    });
    expect(text(".gitlab-ci.yml")).toMatch(/^ +CONFIG_DIRECTORY: machines$/m);
    expect(out.at(-1)).toMatch(
      /^\d\. for CI, too: .* move or link your clone to .*\/machines and set nixos-fleet:vmsFile to \.\.\/machines\/infra\/nixos\/vms\.json$/,
    );
  });

  it("stays alone when something cannot be written", async () => {
    writeFileSync(join(scratch, "file"), "");
    const { code, err } = await init("--config-directory", join(scratch, "file/config"));
    expect([code, err]).toEqual([2, [expect.stringMatching(/is not a directory to write to: not a directory$/)]]);
    expect(readdirSync(scratch)).toEqual(["file"]);
  });
});

test.each([
  [["b"], /unexpected argument b/],
  [["--stack", "My Stack"], /--stack is My Stack; it must be a name/],
  [["--region", "Europe"], /--region is Europe; it must be a region/],
  [["--project", "X"], /--project is X; it must be a project's id/],
  [["--repository", "here"], /--repository is here; it must be an http/],
  [["--repository", "https://bot:s3cret@h/x.git"], /--repository must not hold a user name, password or token/],
  [["--flake", "git+https://s3cret@h/x.git"], /--flake must not hold a user name, password or token/],
  [["--flake", "X https://s3cret@h/x.git"], /--flake is X https:..\*\*\*@h/],
  [["--stack", "a-".repeat(15) + "bb"], /--stack is a-[-ab]*; it must be a name .*30 characters/],
  [["--infra", "alice"], /--infra is alice; it must be user:ADDRESS/],
  [["--config-directory", "DIRECTORY/config"], /two directories, neither inside the other/],
])("fleet init %j is refused in one line", async (args, message) => {
  const { code, err } = await init(...args.map((one) => one.replace("DIRECTORY", project)));
  expect([code, err]).toEqual([2, [expect.stringMatching(message)]]);
  expect(err.join()).not.toContain("s3cret");
  expect(readdirSync(scratch)).toEqual([]);
});
