/** What exists in the cloud and not in Pulumi's state, because pulumi was killed while it created it, as docs/recovery.md brings it back. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { approvalKey } from "../../rules/contract";
import { until } from "../setup/until";
import { succeeds, upEnds } from "./setup/outcome";
import { Program } from "./setup/program";

let program: Program;
beforeAll(async () => {
  program = await Program.start("unfinished");
  configure(["dev-1"]);
  await up();
});
afterAll(() => program.stop());

function configure(vms: string[], waves: object[] = []): void {
  program.configure({
    "nixos-fleet:deletionProtection": "false",
    "nixos-fleet:protect": "false",
    "nixos-fleet:bootTimeout": "2m",
    "nixos-fleet:vms": vms.map((name) => ({ name })),
    "nixos-fleet:waves": [...waves, { name: "rest", rest: true, timeout: "2m" }],
  });
}

const up = (ends?: "well" | "badly") => upEnds(program, ends);
const refresh = (...flags: string[]) => succeeds(program, "refresh", ...flags);

/** Runs `pulumi up` until something is there of which Pulumi does not know yet, and kills it; takes its lock away. */
async function killWhile(what: string, isThere: () => boolean): Promise<void> {
  const answerAgain = program.stall(isThere);
  const begun = program.upInProcesses();
  await until(what, 30, isThere);
  begun.interrupt("SIGKILL");
  await begun.ended;
  answerAgain();
  await program.cloud.operations.settled();
  expect((await program.pulumi("cancel", "--yes", "--stack", program.stack)).exitCode).toBe(0);
}

const idOf = (vm: string) => program.cloud.store.instance(vm)?.id;

/** As `gcloud compute project-info remove-metadata` does it. */
function removeItem(key: string): void {
  const { metadata } = program.cloud.store.state.project;
  metadata.items = (metadata.items ?? []).filter((item) => item.key !== key);
}

it("creates a VM that pulumi was killed at, after the unfinished one was deleted", async () => {
  configure(["dev-1", "dev-2"]);
  await killWhile("dev-2 is there", () => idOf("dev-2") !== undefined);
  expect(await up("badly")).toMatch(/dev-2.* already exists/);
  await refresh("--clear-pending-creates");
  await program.instance("dev-2", "delete");
  await up();
  expect(await program.changes()).toEqual({});
});

it("keeps an approval that pulumi was killed at", async () => {
  configure(["dev-1", "dev-2"], [{ name: "first", vms: ["dev-1"], timeout: "2m" }]);
  const key = approvalKey("devs", program.stack, "first");
  await killWhile("its item is there", () => program.item(key) !== undefined);
  expect(await up("badly")).toContain(`key "${key}" already present in metadata`);
  const before = structuredClone([...program.vms.tried]);
  await refresh("--clear-pending-creates");
  removeItem(key);
  await up();
  expect([...program.vms.tried]).toEqual(before);
  expect(await program.changes()).toEqual({});
});
