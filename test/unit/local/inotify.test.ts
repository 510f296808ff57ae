/** The host's limit of inotify instances is raised where it is low, and never lowered. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { raiseInotifyLimit } from "../../../local/machines/inotify";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "inotify-"));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

it.each([
  ["128\n", "8192"],
  ["8192\n", "8192\n"],
  ["524288\n", "524288\n"],
])("from %j it becomes %j", (before, after) => {
  const file = join(folder, "limit");
  writeFileSync(file, before);
  raiseInotifyLimit(file);
  expect(readFileSync(file, "utf8")).toBe(after);
});

it("says what would be right where it cannot be raised", () => {
  const said = vi.spyOn(console, "error").mockReturnValue();
  // Nothing may write this one, and it is never more than 256.
  raiseInotifyLimit("/proc/sys/kernel/random/entropy_avail");
  expect(said.mock.calls.flat().join()).toContain("cannot be raised; set it to 8192");
});
