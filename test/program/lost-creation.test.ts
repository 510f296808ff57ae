/** A creation whose answer was lost: Google has what Pulumi's state lacks, and the rows of docs/recovery.md bring both together. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { approvalKey } from "../../rules/contract";
import { Program } from "./setup/program";

let program: Program;
beforeAll(async () => {
  program = await Program.start("lost");
  program.configure({
    "nixos-fleet:deletionProtection": "false",
    "nixos-fleet:vms": [{ name: "dev-alice" }],
    "nixos-fleet:waves": [{ name: "all", rest: true }],
  });
  await up();
});
afterAll(() => program.stop());

async function up(ends: "well" | "badly" = "well"): Promise<string> {
  const { exitCode, text } = await program.run("up");
  expect(exitCode === 0 ? "well" : "badly", text).toBe(ends);
  return text;
}

/** Takes a resource, and what depends on it, out of Pulumi's state, as if its creation had never been answered. */
async function lose(name: string): Promise<void> {
  const { text: state } = await program.pulumi("stack", "export", "--stack", "lost");
  const urn = new RegExp(`"(urn:[^"]*::${name})"`).exec(state)?.[1] ?? "";
  const args = ["--target-dependents", "--force", "--yes", "--non-interactive", "--stack", "lost"];
  const { exitCode, text } = await program.pulumi("state", "delete", urn, ...args);
  expect(exitCode, text).toBe(0);
}

const key = () => approvalKey("devs", "lost", "all");

it("of an approval stops the next up, which goes on once the item is gone; no VM moves meanwhile", async () => {
  const good = await program.head();
  await lose("devs-all-approval");
  expect(await up("badly")).toContain(`key "${key()}" already present in metadata for project`);
  expect(program.vms.runs("dev-alice")).toBe(good);
  // As gcloud compute project-info remove-metadata does.
  const { project } = program.cloud.store.state;
  project.metadata = {
    ...project.metadata,
    items: (project.metadata.items ?? []).filter((item) => item.key !== key()),
  };
  await up();
  expect(await program.changes()).toEqual({});
  expect(program.vms.runs("dev-alice")).toBe(good);
});

it("of a VM stops the next up, which goes on once the VM is gone", async () => {
  await lose("devs-dev-alice-vm");
  expect(await up("badly")).toMatch(/Error 409: .*dev-alice' already exists/);
  await program.instance("dev-alice", "delete");
  await up();
  expect(await program.changes()).toEqual({});
  expect(program.vms.runs("dev-alice")).toBe(await program.head());
});
