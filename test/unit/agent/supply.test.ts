/** What the agent fetches from a private bucket, and what it tells Cloud Logging; curl's answers come from a folder. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { logFilters } from "../../../infra/components/alerts";
import { Bench } from "./bash";

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
  mkdirSync(bench.path("bucket/nar"), { recursive: true });
  // Answers https://storage.googleapis.com/acme/… from the folder, to who shows the token; keeps what is sent anywhere else.
  bench.fake(
    "curl",
    `while (($#)); do case $1 in
      --header) [[ $2 != @* ]] || header=$(cat "\${2#@}"); shift ;;
      --output) out=$2; shift ;;
      --connect-timeout | --max-time | --data-binary) shift ;;
      -*) ;;
      *) url=$1 ;;
    esac; shift; done
    echo "$url" >>${bench.path("asked")}
    [[ $header == 'Authorization: Bearer secret-token' ]] || exit 22
    case $url in
      https://storage.googleapis.com/acme/*) cp "${bench.path("bucket")}/\${url#https://storage.googleapis.com/acme/}" "$out" 2>/dev/null || exit 22 ;;
      *) cat >${bench.path("sent")} ;;
    esac`,
  );
});
afterEach(() => bench.remove());

/** The metadata server, as far as these parts ask it. */
const metadata = `metadata_request() { case $1 in
  */token) echo '{"access_token":"secret-token"}' ;;
  instance/id) printf 42 ;; instance/zone) printf projects/7/zones/europe-west1-b ;; project/project-id) printf acme-dev ;; esac; }`;

describe("a private bucket", () => {
  const hash = (letter: string) => letter.repeat(32);
  const put = (letter: string, references: string[]) => {
    const names = references.map((one) => `${hash(one)}-${one}`).join(" ");
    writeFileSync(bench.path(`bucket/${hash(letter)}.narinfo`), `URL: nar/${letter}.nar.zst\nReferences: ${names}\n`);
    writeFileSync(bench.path(`bucket/nar/${letter}.nar.zst`), letter);
  };

  it("gives a path's closure, each part once, and what it does not have is left to others", () => {
    put("a", ["a", "b", "d"]);
    put("b", ["d", "c"]);
    put("c", []);
    const { status, stderr } = bench.run(
      ["log", "cloud-log", "bucket"],
      `${metadata}\nfetch_closure /nix/store/${hash("a")}-a https://storage.googleapis.com/acme ${bench.path("cache")}`,
    );
    expect(status, stderr).toBe(0);
    const asked = readFileSync(bench.path("asked"), "utf8").trim().split("\n");
    const once = asked.filter((url) => !url.includes(hash("d")));
    expect(once).toHaveLength(6);
    expect(new Set(once).size).toBe(6);
    for (const letter of ["a", "b", "c"])
      expect(readFileSync(bench.path(`cache/nar/${letter}.nar.zst`), "utf8")).toBe(letter);
    expect(readFileSync(bench.path("cache/nix-cache-info"), "utf8")).toBe("StoreDir: /nix/store\n");
  });

  it("is Cloud Storage's and nobody else's", () => {
    const script = (url: string) => `is_bucket '${url}'`;
    expect(bench.run(["bucket"], script("https://storage.googleapis.com/acme/x")).status).toBe(0);
    for (const url of ["https://storage.googleapis.com.example.com/acme", "http://storage.googleapis.com/acme"])
      expect(bench.run(["bucket"], script(url)).status).toBe(1);
  });
});

describe("the entry in Cloud Logging", () => {
  interface Entry {
    logName: string;
    severity: string;
    resource: { type: string; labels: Record<string, string> };
    jsonPayload: Record<string, unknown>;
  }
  const day = 86_400_000;
  const at = (days: number) => new Date(Date.now() - days * day).toISOString().replace(/\.\d+Z$/, "Z");

  function told(event: string, state: object, offline = "", monitoring = true): Entry | undefined {
    writeFileSync(bench.path("state/state.json"), JSON.stringify(state));
    const item = JSON.stringify({ fleet: "devs", stack: "dev", wave: "all", ...(monitoring ? { monitoring } : {}) });
    writeFileSync(bench.path("answers"), `{}\n200\ndev-alice\n200\n${item}\n200`);
    const script = `${metadata}\ntell_cloud ${event} "$(cat ${bench.path("answers")})" "${offline}"`;
    const { status, stderr } = bench.run(["log", "contract", "files", "cloud-log"], script);
    expect(status, stderr).toBe(0);
    try {
      return (JSON.parse(readFileSync(bench.path("sent"), "utf8")) as { entries: Entry[] }).entries[0];
    } catch {
      return undefined;
    }
  }

  /** Whether an entry meets a filter: of Cloud Logging's language no more than these filters use, and nothing else passes. */
  function meets(filter: string, entry: Entry): boolean {
    const rank = ["INFO", "WARNING", "ERROR"];
    return filter.split(" AND ").every((term) => {
      const [, path = "", relation = "", wanted = ""] = /^([\w.]+)(>=|=)"?([^"]*)"?$/.exec(term) ?? [];
      if (path === "") throw new Error(`the test does not know ${term}`);
      const value = path.split(".").reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], entry);
      if (path === "severity") return rank.indexOf(String(value)) >= rank.indexOf(wanted);
      return relation === ">=" ? Number(value) >= Number(wanted) : value === wanted;
    });
  }

  const filters = logFilters(
    { project: "acme-dev", fleet: "devs", stack: "dev" },
    { channels: [], daysBehind: 3, silentAfter: 7200 },
  );
  const met = (entry: Entry | undefined) =>
    entry && Object.entries(filters).flatMap(([name, filter]) => (meets(filter, entry) ? [name] : []));

  it.each([
    ["a good run", "run", { outcome: "unchanged", at: at(0), succeeded: at(9) }, "", ["alive"]],
    ["a failed one", "run", { outcome: "failed", stage: "build", succeeded: at(1) }, "", ["alive", "failed"]],
    ["a network that was away", "run", { outcome: "failed", succeeded: at(1) }, "true", ["alive"]],
    ["a VM that is held for days", "alive", { outcome: "held", succeeded: at(4) }, "", ["alive", "behind"]],
    ["one that failed and lives", "alive", { outcome: "failed", succeeded: at(4) }, "", ["alive", "behind"]],
  ])("of %s is counted as it should be", (_, event, state, offline, counted) => {
    expect(met(told(event, state, offline))).toEqual(counted);
  });

  it("says where it comes from, and the token is in none of it", () => {
    expect(told("run", { outcome: "failed", stage: "build", error: "no" })).toMatchObject({
      logName: "projects/acme-dev/logs/nixos-fleet-vms",
      resource: {
        type: "gce_instance",
        labels: { project_id: "acme-dev", instance_id: "42", zone: "europe-west1-b" },
      },
      jsonPayload: { message: "failed at build", vm: "dev-alice", report: { error: "no" } },
    });
    expect(readFileSync(bench.path("sent"), "utf8")).not.toContain("secret-token");
  });

  it("is not written where nobody asked for alerts", () => {
    expect(told("run", { outcome: "failed" }, "", false)).toBeUndefined();
  });
});
