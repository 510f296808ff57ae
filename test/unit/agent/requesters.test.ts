/** Whom a run of the system's update serves, and what they may ask for together. */
import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { pendingRequests, type Request, writeRequest } from "../../../agent/requests";
import { takeRequesters } from "../../../agent/system/requesters";
import { Scratch } from "./scratch";

let scratch: Scratch;
beforeEach(() => (scratch = new Scratch()));
afterEach(() => {
  vi.unstubAllEnvs();
  scratch.remove();
});

const ssh: Request = { trigger: "ssh", by: "pulumi" };
const watch: Request = { trigger: "watch", by: "the watcher" };

/** Who asks, where these requests wait and the program is run so. */
function asks(requests: Request[], options: Parameters<typeof takeRequesters>[1]) {
  const runFolder = scratch.in("run");
  for (const request of requests) writeRequest(runFolder, request);
  return takeRequesters({ manager: "system", service: "x", runFolder }, options);
}

const plain = { force: false, once: false };

function startedBySystemd(timer: "none" | "boot"): void {
  vi.stubEnv("SYSTEMD_EXEC_PID", String(process.pid));
  vi.stubEnv("TRIGGER_UNIT", timer === "none" ? "" : "x.timer");
  const fired = "LastTriggerUSec=Tue 2026-11-24 10:05:00.0 UTC";
  scratch.fake("systemctl", `printf '%s\\n' "InactiveEnterTimestamp=" "" "${fired}" "" "LastTriggerUSec="`);
}

describe("a run by hand", () => {
  it.each([
    ["without a word", plain, "pulumi, carol"],
    ["with a name", { ...plain, by: "third" }, "pulumi, third"],
    ["with a name and what it is for", { ...plain, by: "third", trigger: "manual" as const }, "pulumi, third"],
  ])("%s goes to the head, whatever else it takes up", async (_, options, by) => {
    vi.stubEnv("SUDO_USER", "carol");
    expect(await asks([ssh], options)).toEqual({ trigger: "ssh", by, right: "head", person: true });
    expect(pendingRequests(scratch.in("run"))).toEqual([]);
  });

  it("to a revision goes there, whatever it is for", async () => {
    const asked = await asks([watch], { ...plain, trigger: "watch", wanted: "a".repeat(40) });
    expect(asked).toMatchObject({ right: "head", person: false });
  });
});

describe("a run of the service", () => {
  it("for requests goes to what is approved", async () => {
    startedBySystemd("none");
    const { by, ...asked } = await asks([ssh, { ...ssh, by: "another" }], plain);
    expect(asked).toEqual({ trigger: "ssh", right: "approved", person: false });
    // The files of requests have no order.
    expect(by.split(", ").sort()).toEqual(["another", "pulumi"]);
  });

  it("by its timer goes to the head, though requests came at the same time", async () => {
    startedBySystemd("boot");
    const by = "the watcher, its timer after boot";
    expect(await asks([watch], plain)).toEqual({ trigger: "watch", by, right: "head", person: false });
  });

  it("by a retry has the right of what it repeats", async () => {
    startedBySystemd("none");
    writeFileSync(scratch.in("run/retry"), "1 no network");
    writeFileSync(scratch.in("run/retry-due"), "");
    writeFileSync(scratch.in("run/retry-right"), "head");
    expect(await asks([watch], plain)).toMatchObject({ trigger: "watch", right: "head", person: false });
  });

  it("that nothing explains is a person's, with systemctl", async () => {
    startedBySystemd("none");
    expect(await asks([], plain)).toEqual({ trigger: "manual", by: "unknown", right: "head", person: true });
  });
});
