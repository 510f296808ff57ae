/** A VM leaves the fleet and its home comes back from the last snapshot, by the lines of docs/leavers.md on real machines. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { TestCloud, until } from "./cloud";

const isInstalled = (process.env["PATH"] ?? "").split(":").some((directory) => existsSync(join(directory, "gcloud")));
const guide = readFileSync(resolve(__dirname, "../../docs/leavers.md"), "utf8");

/** The indented lines below a heading. */
function linesOf(heading: string): string[] {
  const section = guide.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? "";
  return section.split("\n").flatMap((line) => (line.startsWith("    ") ? [line.trim()] : []));
}

const cloud = new TestCloud();
afterAll(() => cloud.down());

async function run(command: string): Promise<string> {
  const { exitCode, text } = await cloud.shell(`set -eu\n${command}`);
  expect(exitCode, `${command}\n${text}`).toBe(0);
  return text;
}

describe.skipIf(!isInstalled)(isInstalled ? "leavers" : "leavers (gcloud is not installed here, so not tried)", () => {
  const work = "/home/alice/work";

  it("has a home on a disk of its own", async () => {
    await cloud.start();
    await cloud.configure("--path 'nixos-fleet:vms[1].homeDisk.sizeGb' 20");
    await cloud.up();
    expect(await cloud.local("reboot", "dev-alice")).toMatchObject({ exitCode: 0 });
    await until(
      "dev-alice boots",
      60,
      async () => (await cloud.in("dev-alice", "mountpoint -q /home; echo $?")) === "0",
    );
    await cloud.in("dev-alice", `echo "a day's work" >${work} && chown alice: ${work}`);
  });

  it("is removed: stopped, with a snapshot, and nothing deleted", async () => {
    const [dryRun = "", remove = ""] = linesOf("Remove a VM");
    expect(await run(dryRun)).toContain("nothing was changed");
    const said = await run(remove);
    expect(said).toMatch(/snapshot dev-alice-home-\d{12} is complete/);
    expect(said).toMatch(/Pulumi\.local\.yaml:\d+: - name: dev-alice/);
    expect((await cloud.status())["dev-alice"]).toMatchObject({ state: "TERMINATED" });
  });

  it("loses a file, and has it back after the lines of the guide", async () => {
    await run("gcloud compute instances start dev-alice --zone=europe-west1-b");
    await cloud.in("dev-alice", `rm ${work}`);
    const [values, list, chosen, ...lines] = linesOf("Restore a home from a snapshot");
    const here = `${values ?? ""}\nSTACK=local`;
    const snapshot = (await run(`${here}\n${list ?? ""}`)).split(/\s/)[0] ?? "";
    expect(snapshot).toMatch(/^dev-alice-home-\d{12}$/);
    expect(chosen).toMatch(/^SNAPSHOT=/);
    const up = lines.pop();
    expect(up).toBe("pulumi up --refresh");
    await run([here, `SNAPSHOT=${snapshot}`, ...lines].join("\n"));
    expect(await cloud.in("dev-alice", `cat ${work}; stat -c %U ${work}`)).toBe("a day's work\nalice");
    const { exitCode, text } = await cloud.pulumi("up --refresh --yes --skip-preview");
    expect(exitCode, text).toBe(0);
    expect(text).toMatch(/Resources:\n\s+\d+ unchanged\n/);
    await cloud.expectRuns("dev-alice", await cloud.head());
  });

  it("keeps the disk when the VM's settings are gone, and gets it again when they are back", async () => {
    await cloud.configure("--path 'nixos-fleet:vms[1].name' dev-other", "--path 'nixos-fleet:vms[1].host' dev-alice");
    await cloud.up();
    await cloud.configure("--path 'nixos-fleet:vms[1].name' dev-alice");
    await cloud.up();
    expect(await cloud.in("dev-alice", `cat ${work}`)).toBe("a day's work");
  });
});
