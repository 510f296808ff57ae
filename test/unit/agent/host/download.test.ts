/** What curl says about many requests, and when the rest must wait. Downloads by a real curl: `nix/bucket.test.ts`. */
import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { download, Outcomes } from "../../../../agent/host/download";
import { Scratch } from "../scratch";

it("is a line for each request, in whatever pieces it comes", () => {
  const outcomes = new Outcomes();
  const text =
    "0 0 200 \n2 0 404 \ncurl: a warning\n1 28 000 Operation timed out\n3 0 503 \n4 18 200 transfer closed\n";
  for (const piece of text.match(/.{1,3}/gs) ?? []) expect(outcomes.add(piece)).toBe(false);
  expect(outcomes.list).toMatchObject([
    { index: 0, answer: "whole" },
    { index: 2, answer: "absent" },
    { index: 1, answer: "unknown", why: "Operation timed out" },
    { index: 3, answer: "unknown", why: "HTTP 503" },
    { index: 4, answer: "unknown", why: "transfer closed" },
  ]);
});

it("ends after eight failures in a row, and not where some requests succeed", () => {
  const failure = "0 0 503 \n";
  const outcomes = new Outcomes();
  expect(outcomes.add(failure.repeat(7))).toBe(false);
  expect(outcomes.add("1 0 200 \n")).toBe(false);
  expect(outcomes.add(failure.repeat(7))).toBe(false);
  expect(outcomes.add("1 0 404 \n")).toBe(false);
  expect(outcomes.add(failure.repeat(7))).toBe(false);
  expect(outcomes.add(failure)).toBe(true);
});

it("has a minute's patience from a file's first failure on, however long other files took before it", async () => {
  const scratch = new Scratch();
  process.env["NIXOS_AUTO_UPDATE_PAUSE"] = "0.05";
  try {
    scratch.fake(
      "curl",
      `echo x >>${scratch.in("tries")}
       [ "$(wc -l <${scratch.in("tries")})" -gt 1 ] || { sleep 2; touch ${scratch.in("a.new")}; echo "0 0 200 " >&2; echo "1 0 503 " >&2; exit; }
       [ "$(wc -l <${scratch.in("tries")})" -gt 3 ] || { echo "0 0 503 " >&2; exit; }
       touch ${scratch.in("b.new")}; echo "0 0 200 " >&2`,
    );
    const wanted = ["a", "b"].map((name) => ({ url: `http://cache/${name}`, file: scratch.in(name) }));
    expect(await download(wanted)).toEqual(new Set());
    expect(wanted.map(({ file }) => existsSync(file))).toEqual([true, true]);
  } finally {
    scratch.remove();
  }
});
