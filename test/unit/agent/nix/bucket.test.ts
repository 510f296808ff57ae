/** What a VM takes out of a private bucket, by a real curl, and that an answer which says nothing is not taken for "not there". */
import { existsSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fetchClosure, isBucket } from "../../../../agent/nix/bucket";
import { Google, type Fault } from "../google";
import { Scratch } from "../scratch";

let scratch: Scratch;
let google: Google;
beforeEach(async () => {
  scratch = new Scratch();
  google = await Google.start();
});
afterEach(() => {
  delete process.env["NIXOS_AUTO_UPDATE_STALL"];
  google.stop();
  scratch.remove();
});

const hash = (letter: string) => letter.repeat(32);
const path = (letter: string) => `/nix/store/${hash(letter)}-${letter}`;
const info = (letter: string) => `cache/${hash(letter)}.narinfo`;
const archive = (letter: string) => `cache/nar/${letter}.nar.xz`;
/** A path in the cache, with what it refers to. */
function cached(letter: string, references: string[]): void {
  const names = references.map((to) => path(to).slice("/nix/store/".length)).join(" ");
  google.objects[info(letter)] = `StorePath: ${path(letter)}\nURL: nar/${letter}.nar.xz\nReferences: ${names}\n`;
  google.objects[archive(letter)] = letter;
}
const fetch = (letter: string) =>
  fetchClosure(google.metadataServer(), path(letter), `${google.url}/cache`, scratch.in("cache"));
const has = (file: string) => existsSync(scratch.in(file));
function expectWhole(letters: string): void {
  for (const letter of letters) expect(readFileSync(scratch.in(archive(letter)), "utf8")).toBe(letter);
}

describe("a bucket", () => {
  it("is one by its address, and nothing else is shown the token", () => {
    expect(isBucket(`${google.url}/cache`)).toBe(true);
    expect(isBucket(`${google.url}.example.com/cache`)).toBe(false);
    process.env["NIXOS_AUTO_UPDATE_STORAGE"] = "https://storage.googleapis.com";
    expect(isBucket("https://storage.googleapis.com/acme/x")).toBe(true);
    for (const url of ["https://storage.googleapis.com.example.com/acme", "http://storage.googleapis.com/acme"])
      expect(isBucket(url)).toBe(false);
  });

  it("gives a path and all that it needs, each once", async () => {
    cached("a", ["a", "b", "c"]);
    cached("b", ["c"]);
    cached("c", []);
    await fetch("a");
    expectWhole("abc");
    expect(new Set(google.asked).size).toBe(google.asked.length);
    expect(readFileSync(scratch.in("cache/nix-cache-info"), "utf8")).toBe("StoreDir: /nix/store\n");
  });

  it("gives many files with few processes", async () => {
    const letters = "0123456789bcdefghijklmnopqrstuvwxyz".split("");
    cached("a", letters);
    for (const letter of letters) cached(letter, []);
    const curl = process.env["PATH"]
      ?.split(":")
      .map((folder) => `${folder}/curl`)
      .find((file) => existsSync(file) && !file.startsWith(scratch.root));
    scratch.fake("curl", `echo x >>${scratch.in("started")}; exec ${curl ?? ""} "$@"`);
    await fetch("a");
    expectWhole(letters.join(""));
    expect(readFileSync(scratch.in("started"), "utf8").trim().split("\n")).toHaveLength(3);
  });

  it("need not have everything: other substituters may", async () => {
    cached("a", ["b", "c"]);
    cached("c", []);
    Reflect.deleteProperty(google.objects, archive("c"));
    await fetch("a");
    expectWhole("a");
    // Without its archive, a path must not seem to be there.
    expect([has(info("b")), has(info("c")), has(archive("c"))]).toEqual([false, false, false]);
    expect(new Set(google.asked).size).toBe(google.asked.length);
  });

  it.each(["../../etc/passwd", "nar/../../x", "/etc/passwd", "https://evil.example.com/x"])(
    "names no file outside of its cache: %s",
    async (url) => {
      google.objects[info("a")] = `URL: ${url}\nReferences: \n`;
      await fetch("a");
      expect(google.asked).toEqual([info("a")]);
    },
  );

  it("names no path that is none", async () => {
    cached("a", []);
    google.objects[info("a")] = `URL: nar/a.nar.xz\nReferences: ../../${hash("b")} x ../..\n`;
    await fetch("a");
    expect(google.asked).toEqual([info("a"), archive("a")]);
  });

  it("is asked on where a killed run stopped", async () => {
    cached("a", ["b"]);
    cached("b", []);
    google.fault = (asked) => (asked === archive("b") ? 503 : undefined);
    await expect(fetch("a")).rejects.toThrow(`${archive("b")}: HTTP 503`);
    google.fault = () => undefined;
    google.asked.length = 0;
    await fetch("a");
    expectWhole("ab");
    expect(google.asked).toEqual([archive("b")]);
  });
});

describe("a bucket that does not answer a request", () => {
  const faults: Fault[] = [400, 401, 403, 408, 429, 500, 502, 503, 504, "reset", "cut"];

  it.each(faults)("(%s) is asked again, for each file", async (fault) => {
    cached("a", ["b"]);
    cached("b", []);
    google.fault = (_, before) => (before === 0 ? fault : undefined);
    await fetch("a");
    expectWhole("ab");
    expect(scratch.log).toMatch(/fetching again in about 0 s: .*\.narinfo: \S/);
  });

  it.each([...faults, "hang"] as Fault[])(
    "(%s) in the end counts as away, not as one without the file",
    async (fault) => {
      process.env["NIXOS_AUTO_UPDATE_STALL"] = "1";
      cached("a", ["b"]);
      cached("b", []);
      google.fault = (asked) => (asked === info("b") ? fault : undefined);
      await expect(fetch("a")).rejects.toThrow(info("b"));
      expect([has(info("b")), has(`${info("b")}.new`)]).toEqual([false, false]);
    },
  );

  it("counts as away where the VM gets no token", async () => {
    Reflect.deleteProperty(google.metadata, "instance/service-accounts/default/token");
    await expect(fetch("a")).rejects.toThrow("the metadata server returned no token");
    expect(google.asked).toEqual([]);
  });

  it("is asked with another token after one has expired", async () => {
    cached("a", []);
    const token = "instance/service-accounts/default/token";
    const answers = [JSON.stringify({ access_token: "expired" }), google.metadata[token] ?? ""];
    Object.defineProperty(google.metadata, token, { get: () => (answers.length > 1 ? answers.shift() : answers[0]) });
    await fetch("a");
    expectWhole("a");
  });
});
