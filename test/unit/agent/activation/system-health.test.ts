/** Whether a system that was switched to still reaches what was reachable before: after a live switch, and after a boot. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SystemHealth } from "../../../../agent/activation/system-health";
import { remoteAccess } from "../../../../agent/git/git";
import { MetadataServer } from "../../../../agent/metadata-server";
import type { Trial } from "../../../../agent/state";
import { originOf } from "../git/origin";
import { Scratch } from "../scratch";

let scratch: Scratch;
/** The metadata server's answer; `undefined` if there is none. */
let metadataStatus: number | undefined;

beforeEach(() => {
  scratch = new Scratch();
  metadataStatus = 200;
  scratch.fake("systemctl", "exit 0");
  process.env["NIXOS_AUTO_UPDATE_SETTLE"] = "0";
  process.env["NIXOS_AUTO_UPDATE_REACH"] = "0.2";
  gitAnswers("", 0);
});
afterEach(() => {
  vi.restoreAllMocks();
  scratch.remove();
});

const gitAnswers = (text: string, status: number) =>
  scratch.fake(
    "git",
    `[[ $* == *ls-remote* ]] || exit 1; echo asked >>${scratch.in("asked")}; cat >&2 <<'END'\n${text}\nEND\nexit ${status}`,
  );
const timesAsked = () =>
  existsSync(scratch.in("asked")) ? readFileSync(scratch.in("asked"), "utf8").trim().split("\n").length : 0;

function health(): SystemHealth {
  const metadata = new MetadataServer();
  vi.spyOn(metadata, "request").mockImplementation(() =>
    metadataStatus === undefined
      ? Promise.reject(new Error("it does not answer"))
      : Promise.resolve({ status: metadataStatus, body: "", etag: undefined }),
  );
  const access = remoteAccess("https");
  const origin = originOf("https://git.example.com/x", { access });
  return new SystemHealth(metadata, () => Promise.resolve(origin));
}

const trial: Trial = {
  ...{
    path: "/nix/store/new",
    revision: "b".repeat(40),
    lock: "",
    mode: "switch",
    boot: "1",
    former: "/nix/store/old",
  },
  before: { failed: [], reached: { "metadata server": true, repository: true } },
};
const error = (boot = "1") => health().error(trial, "settings", boot);
const lost = (what: string) => ({ error: `the ${what} could be reached before and cannot any more`, lost: what });

const AWAY = "fatal: unable to access 'https://git.example.com/x/': Could not resolve host: git.example.com";

describe("after a live switch", () => {
  it("everything that was reachable before must be so again", async () => {
    expect(await error()).toBeUndefined();
    gitAnswers(AWAY, 128);
    expect(await error()).toEqual(lost("repository"));
    metadataStatus = undefined;
    expect(await error()).toEqual(lost("metadata server"));
  });

  it("a repository that was away before may be away", async () => {
    gitAnswers(AWAY, 128);
    const before = await health().before();
    expect(before.reached).toEqual({ "metadata server": true, repository: false });
    expect(await health().error({ ...trial, before }, "settings", "1")).toBeUndefined();
  });

  it.each([
    "fatal: unable to access 'https://git.example.com/x/': The requested URL returned error: 429",
    "fatal: unable to access 'https://git.example.com/x/': The requested URL returned error: 503",
    "fatal: Authentication failed for 'https://git.example.com/x/'",
    "fatal: could not read Username for 'https://git.example.com': terminal prompts disabled",
    "git@git.example.com: Permission denied (publickey).\nfatal: Could not read from remote repository.",
    "remote: Repository not found.\nfatal: repository 'https://git.example.com/x/' not found",
  ])("a server that answers is reachable, whatever it answers: %s", async (text) => {
    gitAnswers(text, 128);
    expect(await error()).toBeUndefined();
  });

  it("a repository that has no such branch any more is reachable, and so is a metadata server that is busy", async () => {
    gitAnswers("", 2);
    metadataStatus = 503;
    expect(await error()).toBeUndefined();
  });

  it("a repository that is away is asked again only after a pause, and at the end of the time", async () => {
    gitAnswers(AWAY, 128);
    process.env["NIXOS_AUTO_UPDATE_REACH"] = "3";
    expect(await error()).toEqual(lost("repository"));
    expect(timesAsked()).toBe(2);
  });
});

describe("systemd that does not answer", () => {
  const silent = () => scratch.fake("systemctl", "echo Failed to connect to bus >&2; exit 1");
  const units = "web.service loaded active running Web";

  it("before the switch is busy, since each failed unit would seem to be the new system's fault", async () => {
    silent();
    await expect(health().before()).rejects.toMatchObject({ stage: "switch", cause: "busy", refuse: false });
  });

  it("after the switch is unhealthy", async () => {
    silent();
    expect(await error()).toEqual({ error: "systemd does not answer" });
  });

  it("after the switch is unhealthy also if it lists its units and does not describe them", async () => {
    const path = scratch.in("new");
    mkdirSync(`${path}/etc/systemd/system`, { recursive: true });
    writeFileSync(`${path}/etc/systemd/system/web.service`, "[Service]\nRestart=always\n");
    scratch.fake("systemctl", `[ "$1" = list-units ] || exit 1; echo '${units}'`);
    expect(await health().error({ ...trial, path }, "settings", "1")).toEqual({ error: "systemd does not answer" });
  });

  it("for a moment only is asked again", async () => {
    process.env["NIXOS_AUTO_UPDATE_REACH"] = "10";
    scratch.fake("systemctl", `[ -e ${scratch.in("asked-once")} ] || { touch ${scratch.in("asked-once")}; exit 1; }`);
    expect(await error()).toBeUndefined();
  });
});

describe("after a boot", () => {
  it("a repository that is away now says nothing about the system: it answered long ago", async () => {
    gitAnswers(AWAY, 128);
    expect(await error("2")).toBeUndefined();
    expect(timesAsked()).toBe(0);
  });

  it("the metadata server, which is at the machine's own host, must answer", async () => {
    metadataStatus = undefined;
    expect(await error("2")).toEqual(lost("metadata server"));
  });
});
