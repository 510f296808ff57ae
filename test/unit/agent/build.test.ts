/** What becomes of a build that fails: whether its revision is refused, or was only unlucky. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Bench } from "./bash";
import { B } from "./decide-cases";

let bench: Bench;
beforeEach(() => (bench = new Bench()));
afterEach(() => bench.remove());

/** Builds, with a nix that says something and fails; what the run then ends with. */
function build(complaint: string, end = "exit 1") {
  bench.fake("nix", `cat <<'END' >&2\n${complaint}\nEND\n${end}`);
  const { stdout } = bench.run(
    ["common"],
    `declare -A decision=([manifest]=''); home_unit=x
    driver_attribute() { echo x; }
    obtain ${B} 2>/dev/null || true
    printf '%s\\n' "\${result[outcome]}" "\${result[stage]}" "\${result[refuse]-}" "\${result[retry]-}" "\${result[offline]-}"`,
  );
  const [outcome, stage, refuse, retry, offline] = stdout.split("\n");
  return { outcome, stage, refused: refuse === B, retried: retry !== "", offline: offline === "true" };
}

const refused = { outcome: "failed", stage: "build", refused: true, retried: false, offline: false };
const unlucky = { ...refused, refused: false, retried: true };

describe("a build that fails", () => {
  it.each([
    ["does not evaluate", "error: undefined variable 'x'"],
    ["does not build", "error: builder for '/nix/store/x.drv' failed with exit code 1"],
    ["names what a server does not have", "error: unable to download 'https://x/y': HTTP error 404"],
  ])("because it %s is refused from then on", (_, complaint) => {
    expect(build(complaint)).toEqual(refused);
  });

  it.each([
    "error: writing to file: No space left on device",
    "error: executing SQLite statement 'insert': database or disk is full",
    "error: writing to file: Disk quota exceeded",
  ])("for lack of room is tried again: %s", (complaint) => {
    expect(build(complaint)).toEqual(unlucky);
  });

  it.each([
    "error: unable to download 'https://cache.nixos.org/x.narinfo': Couldn't resolve host name (6)",
    "error: unable to download 'https://x/y.tar.gz': HTTP error 503",
    "error: cannot download source.tar.gz from any mirror",
  ])("for lack of a network is tried again, and nobody's fault: %s", (complaint) => {
    expect(build(complaint)).toEqual({ ...unlucky, offline: true });
  });

  it.each([
    ["itself", "evaluating", "kill -KILL $$"],
    ["in a builder", "error: builder for '/nix/store/x.drv' failed due to signal 9 (Killed)", "exit 1"],
    ["in a builder's child", "error: builder for '/nix/store/x.drv' failed with exit code 137", "exit 1"],
    ["for want of memory", "error: out of memory", "exit 1"],
  ])("because it was killed %s is tried again", (_, complaint, end) => {
    expect(build(complaint, end)).toEqual(unlucky);
  });
});
