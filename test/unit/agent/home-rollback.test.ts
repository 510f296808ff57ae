/**
 * How a home goes back, file by file: the local cloud's stand-in for Home Manager's `activate`, whose links and collisions follow Home
 * Manager's own, in a home of this test's.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { activate, finishTrial, unfinishedTrial } from "../../../agent/activation/activation";
import type { Ending } from "../../../agent/ending";
import { HomeDriver } from "../../../agent/home/home";
import * as places from "../../../agent/home/home-place";
import { resolved } from "../../../agent/host/files";
import { endTrial, writeState } from "../../../agent/state";
import type { HomeDecision } from "../../../rules/decision/decide-home";
import { held, stay } from "../../../rules/decision/decision";
import { Scratch } from "./scratch";

const standIn = resolve(__dirname, "../../../local/config-repo/stand-in");
const settings = { attribute: "dev", branch: "main" };
const decision: HomeDecision = { ...stay("updated", ""), settings, retry: [] };
const revision = "b".repeat(40);

let scratch: Scratch;
let home: string;
let driver: HomeDriver;

beforeEach(() => {
  scratch = new Scratch();
  home = scratch.in("home");
  mkdirSync(home);
  mkdirSync(scratch.in("store"));
  vi.stubEnv("HOME", home);
  vi.stubEnv("USER", "dev");
  vi.stubEnv("XDG_STATE_HOME", undefined);
  vi.stubEnv("XDG_RUNTIME_DIR", scratch.in("run"));
  const place = places.homePlace();
  driver = new HomeDriver({ ...place, stateFolder: scratch.in("state"), lockFile: scratch.in("lock") });
  scratch.fake("systemctl", "exit 1");
  scratch.fake("nix-store", 'mkdir -p "$(dirname "$4")"; ln -sfn "$2" "$4"');
  scratch.fake(
    "nix-env",
    `n=$(($(ls -d $2-*-link 2>/dev/null | wc -l) + 1))
    case $3 in
    --set) ln -s "$4" $2-$n-link ;;
    --switch-generation) n=$4 ;;
    esac
    ln -sfn home-manager-$n-link $2`,
  );
});
afterEach(() => {
  vi.unstubAllEnvs();
  scratch.remove();
});

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** A generation with these files. @param then what its activation does after it has linked them */
function generation(name: string, files: Record<string, string>, then = "true"): string {
  const [path, linked] = [scratch.in(`store/${name}`), scratch.in(`store/${name}-home-manager-files`)];
  for (const [file, text] of Object.entries(files)) put(join(linked, file), text);
  mkdirSync(join(path, "activation"), { recursive: true });
  symlinkSync(linked, join(path, "home-files"));
  put(join(path, "gen-version"), "1");
  put(join(path, "user"), "dev");
  put(join(path, "activation/then"), `#!/bin/bash\n${then}\n`);
  const script = readFileSync(join(standIn, "home-activate.sh"), "utf8").replace(
    "/nix/store/*",
    `${scratch.in("store")}/*`,
  );
  put(join(path, "activate"), script);
  for (const program of ["activate", "activation/then"]) chmodSync(join(path, program), 0o755);
  cpSync(join(standIn, "switch/unit-file.bash"), join(path, "stand-in/unit-file.bash"));
  return path;
}

/** The home's own files with what is in them; `→` before a link into a generation. */
function files(folder = ""): Record<string, string> {
  return Object.fromEntries(
    readdirSync(join(home, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (path === ".local") return [];
      if (entry.isDirectory()) return Object.entries(files(path));
      const link = lstatSync(join(home, path)).isSymbolicLink() ? "→ " : "";
      return [[path, link + readFileSync(join(home, path), "utf8")]];
    }),
  );
}

async function update(path: string, error?: string): Promise<Ending> {
  vi.spyOn(driver, "healthBefore").mockResolvedValue({ failed: [], reached: {} });
  vi.spyOn(driver, "healthError").mockResolvedValue(error === undefined ? undefined : { error });
  const ending = await activate({ driver, decision }, { path, revision, lock: "" }, {}, false);
  if (ending.trialOver !== undefined) endTrial(scratch.in("state"), ending.trialOver);
  return ending;
}

/** Deploys what was there before. */
async function deploys(path: string): Promise<void> {
  expect(await update(path)).toMatchObject({ outcome: "updated" });
  writeState(scratch.in("state"), { revision: "a".repeat(40), deployed: path }, false);
}

const rolledBack = { outcome: "failed", rolledBack: true };
const NEW = { ".bashrc": "theirs", ".config/new": "new", ".both": "new" };

describe("a home of which a former generation is deployed", () => {
  const before = { ".both": "→ old", ".bashrc": "mine" };
  beforeEach(async () => {
    await deploys(generation("old", { ".both": "old" }));
    put(join(home, ".bashrc"), "mine");
  });

  it.each([
    ["is not healthy with the new one", "true", "health"],
    ["cannot end the activation of the new one", "exit 1", undefined],
  ])("has its own files again where it %s", async (_, then, health) => {
    const path = generation("new", NEW, then);
    expect(await update(path, health)).toMatchObject(rolledBack);
    expect(files()).toEqual(before);
    expect(scratch.log).toContain("~/.bashrc: your file is back");
  });

  it("has them again after a kill in the middle of either activation", async () => {
    const path = generation("new", NEW, "exit 1");
    vi.spyOn(driver, "rollBack").mockRejectedValueOnce(new Error("killed"));
    await expect(update(path)).rejects.toThrow("killed");
    expect(files()).toMatchObject({ ".both": "→ new", ".bashrc": "→ theirs" });
    const trial = unfinishedTrial(driver) ?? expect.fail("no trial is left");
    expect(await finishTrial({ driver, decision }, trial)).toMatchObject(rolledBack);
    expect(files()).toEqual(before);
  });

  it("goes back, and not on, from an interrupted update where it is held by then", async () => {
    const path = generation("new", NEW, "exit 1");
    const real = driver.activate.bind(driver);
    vi.spyOn(driver, "activate").mockImplementationOnce(async (...args) => {
      await real(...args);
      throw new Error("killed");
    });
    await expect(update(path)).rejects.toThrow("killed");
    expect(files()).toMatchObject({ ".both": "→ new" });
    const trial = unfinishedTrial(driver) ?? expect.fail("no trial is left");
    const ending = await finishTrial({ driver, decision: { ...decision, ...held({ by: "dev", why: "demo" }) } }, trial);
    expect(ending).toEqual({ outcome: "held", error: "held by dev: demo", rolledBack: true, trialOver: {} });
    expect(files()).toEqual(before);
  });

  it("stays where its own activation is repeated, for lost units, and fails", async () => {
    const path = driver.current();
    expect(await update(path, "health")).toMatchObject(rolledBack);
    expect(files()).toEqual({ ".both": "→ old", ".bashrc": "mine" });
    expect(driver.current()).toBe(path);
  });

  it("keeps what is in the place of one of its files, and that file beside it", async () => {
    const path = generation("new", NEW, `rm ${home}/.bashrc; echo written meanwhile >${home}/.bashrc; exit 1`);
    expect(await update(path)).toMatchObject(rolledBack);
    const { ".bashrc": now, ...others } = files();
    expect(now).toBe("written meanwhile\n");
    expect(Object.values(others).sort()).toEqual(["mine", "→ old"]);
    expect(scratch.log).toMatch(/your file stays at .*\.bashrc\.before-update-/);
  });

  it("is left as it is where a link of its own is in the way", async () => {
    put(join(home, "dotfiles/bashrc"), "mine");
    execFileSync("ln", ["-sf", join(home, "dotfiles/bashrc"), join(home, ".bashrc")]);
    scratch.fake("nix-store", `echo "$*" >>${scratch.in("roots")}; mkdir -p "$(dirname "$4")"; ln -sfn "$2" "$4"`);
    const ending = await update(generation("new", NEW));
    expect(ending).toMatchObject(rolledBack);
    expect(ending.error).toMatch(/Existing file '.*\.bashrc' would be clobbered$/);
    expect(files()).toMatchObject({ ".both": "→ old", ".bashrc": "→ mine" });
    // Nothing of the new generation was begun, so no unit of the home has to restart.
    expect(readFileSync(scratch.in("roots"), "utf8")).not.toContain("store/new ");
  });
});

it("a home of which nothing was deployed has its own files again, and no links", async () => {
  put(join(home, ".bashrc"), "mine");
  expect(await update(generation("new", NEW), "health")).toMatchObject(rolledBack);
  expect(files()).toEqual({ ".bashrc": "mine" });
  expect(driver.current()).toBe("");
  expect(lstatSync(driver.place.currentHome, { throwIfNoEntry: false })).toBeUndefined();
});

describe("a home that Home Manager's NixOS module activated, which sets no profile", () => {
  const before = { ".both": "→ old", ".vimrc": "→ old" };
  const root = () => resolved(scratch.in("state/former-home"));
  let old: string;
  beforeEach(() => {
    old = generation("old", { ".both": "old", ".vimrc": "old" });
    mkdirSync(dirname(driver.place.profile), { recursive: true });
    execFileSync(join(old, "activate"), ["--driver-version", "1"], { stdio: "ignore" });
    put(join(home, ".bashrc"), "mine");
    expect([driver.current(), resolved(driver.place.currentHome)]).toEqual(["", old]);
  });

  it.each([
    ["is not healthy with the fleet's", "true", "health"],
    ["cannot end the activation of the fleet's", "exit 1", undefined],
  ])("has its files and no profile again where it %s", async (_, then, health) => {
    expect(await update(generation("new", NEW, then), health)).toMatchObject(rolledBack);
    expect(files()).toEqual({ ...before, ".bashrc": "mine" });
    expect([driver.current(), resolved(driver.place.currentHome)]).toEqual(["", old]);
  });

  it("has them again after a kill, and garbage collection leaves them until then", async () => {
    const path = generation("new", NEW, "exit 1");
    vi.spyOn(driver, "rollBack").mockRejectedValueOnce(new Error("killed"));
    await expect(update(path)).rejects.toThrow("killed");
    await conclude();
    expect(root()).toBe(old);
    const trial = unfinishedTrial(driver) ?? expect.fail("no trial is left");
    const { trialOver } = await finishTrial({ driver, decision }, trial);
    endTrial(scratch.in("state"), trialOver ?? expect.fail("the trial is not over"));
    expect(files()).toEqual({ ...before, ".bashrc": "mine" });
    await conclude();
    expect(root()).toBeUndefined();
  });

  it("stays as it is where garbage collection cannot be kept from it", async () => {
    scratch.fake("nix-store", "echo no daemon >&2; exit 1");
    const ending = await update(generation("new", NEW));
    expect(ending).toMatchObject({
      ...rolledBack,
      cause: "busy",
      error: expect.stringContaining("no daemon") as string,
    });
    expect(files()).toEqual({ ...before, ".bashrc": "mine" });
    expect(driver.current()).toBe("");
  });

  it("goes back to it also where a profile of earlier names another generation, and to that profile", async () => {
    const earlier = generation("earlier", { ".gone": "earlier" });
    execFileSync("nix-env", ["--profile", driver.place.profile, "--set", earlier]);
    expect(await update(generation("new", NEW), "health")).toMatchObject(rolledBack);
    expect(files()).toEqual({ ...before, ".bashrc": "mine" });
    expect([driver.current(), resolved(driver.place.currentHome)]).toEqual([earlier, old]);
  });

  it("goes back to the fleet's where one is deployed", async () => {
    await deploys(generation("deployed", { ".both": "deployed" }));
    expect(await update(generation("new", NEW), "health")).toMatchObject(rolledBack);
    expect(files()).toEqual({ ".both": "→ deployed", ".bashrc": "mine" });
    expect(driver.current()).toBe(scratch.in("store/deployed"));
  });
});

/** What the end of a run does for the home's driver. */
async function conclude(): Promise<void> {
  await driver.concluded({ state: {} } as Parameters<HomeDriver["concluded"]>[0]);
}
