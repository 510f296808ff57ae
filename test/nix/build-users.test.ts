import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { image } from "../../nix/tests/image";
import { runNix } from "./real-nix";

/** Another builder's process: its user is Nix's first build user, who has the same number on each machine of the image. */
async function buildUsersProcess() {
  const users = readFileSync(join(image ?? "", "etc/passwd"), "utf8");
  const [, uid = "", gid = ""] = /^nixbld1:[^:]*:(\d+):(\d+):/m.exec(users) ?? expect.fail(users);
  const started = spawn("sleep", ["1h"], { uid: Number(uid), gid: Number(gid), stdio: "ignore" });
  onTestFinished(() => void started.kill());
  await once(started, "spawn");
  return started;
}

describe.skipIf(image === undefined)("a build in the tests", () => {
  it("ends no process of the same build user on a machine of another test", async () => {
    const other = await buildUsersProcess();
    const derivation = `derivation { name = "x"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo x >$out" ]; }`;
    const built = await runNix(["build", "--no-link", "--print-out-paths", "--impure", "--expr", derivation]);
    expect(built, built.stderr).toMatchObject({ status: 0 });
    expect(other.signalCode).toBeNull();
  });
});
