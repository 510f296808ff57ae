/** The script that prepares the disk with the homes, on files that stand for disks, as root in a mount namespace of its own. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const script = resolve(__dirname, "../../nix/modules/dev-vm/home-disk.bash");
let folder: string;
let disk: string;
let home: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "home-disk-"));
  disk = join(folder, "disk");
  home = join(folder, "home");
  writeFileSync(disk, "");
  truncateSync(disk, 32 * 1024 * 1024);
  mkdirSync(join(home, "alice"), { recursive: true });
  writeFileSync(join(home, "alice/work"), "a day's work");
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** The script, with `before` run ahead of it in the same namespace. */
const prepare = (before = "true") =>
  execa(
    "unshare",
    ["--mount", "--propagation", "private", "bash", "-c", `${before} && exec bash "$@"`, "-", script, disk, home],
    {
      reject: false,
      all: true,
    },
  );

const shell = async (command: string) => (await execa("sh", ["-euc", command, "-", disk])).stdout;
const label = () => shell(`blkid --probe --match-tag LABEL --output value "$1" || true`);
/** A file of the disk's file system. */
const read = (path: string) => shell(`debugfs -R 'cat ${path}' "$1" 2>/dev/null`);

describe.skipIf(process.getuid?.() !== 0)("nix/modules/dev-vm/home-disk.bash", () => {
  it("formats a blank disk, copies the homes there are, and leaves those where they were", async () => {
    expect((await prepare()).exitCode).toBe(0);
    expect(await label()).toBe("home");
    expect(await read("/alice/work")).toBe("a day's work");
    expect(readFileSync(join(home, "alice/work"), "utf8")).toBe("a day's work");
  });

  it("never touches a disk that carries homes", async () => {
    await prepare();
    const before = readFileSync(disk);
    writeFileSync(join(home, "alice/work"), "something else");
    expect((await prepare()).exitCode).toBe(0);
    expect(readFileSync(disk).equals(before)).toBe(true);
  });

  it("goes on with a first copy that was cut short", async () => {
    await shell(`mkfs.ext4 -q -L home-new "$1"`);
    // What a power cut leaves: a file without its end but with its time, and one that was being written.
    const cut = join(folder, "cut");
    await execa("cp", ["--archive", home, cut]);
    writeFileSync(join(home, "alice/more"), "an older day's work");
    await execa("touch", ["--date=2020-01-01", join(home, "alice/more")]);
    await shell(`printf "a d" >${cut}/alice/work; touch --reference=${home}/alice/work ${cut}/alice/work
      printf "an o" >${cut}/alice/more`);
    expect((await prepare(`m=$(mktemp -d) && mount ${disk} $m && cp -a ${cut}/. $m && umount $m`)).exitCode).toBe(0);
    expect([await label(), await read("/alice/work"), await read("/alice/more")]).toEqual([
      ...["home", "a day's work", "an older day's work"],
    ]);
  });

  it("copies without /tmp, which may become a mount of its own meanwhile", async () => {
    expect((await prepare(`export TMPDIR=${folder}/covered`)).exitCode).toBe(0);
    expect([await label(), await read("/alice/work")]).toEqual(["home", "a day's work"]);
  });

  it.each([
    ["a file system with another label", `mkfs.ext4 -q -L data "$1"`],
    ["swap space", `mkswap -q "$1"`],
    ["data that nothing is known of", `printf secret | dd of="$1" bs=1 seek=70000 conv=notrunc status=none`],
  ])("refuses %s, and changes nothing", async (_, make) => {
    await shell(make);
    const before = readFileSync(disk);
    const { exitCode, all } = await prepare();
    expect(exitCode).toBe(1);
    expect(all).toContain("left as it is");
    expect(readFileSync(disk).equals(before)).toBe(true);
  });

  it("does nothing where the homes are mounted already", async () => {
    const { exitCode } = await prepare(`mount -t tmpfs tmpfs ${home}`);
    expect([exitCode, await label()]).toEqual([0, ""]);
  });
});

describe.skipIf(process.getuid?.() !== 0)("nix/modules/dev-vm/home-guard.bash", () => {
  it("keeps what is written to /home off the boot disk, and fails with the reason at login", async () => {
    const guard = resolve(__dirname, "../../nix/modules/dev-vm/home-guard.bash");
    const message = join(folder, "motd.d/home-guard");
    const commands = `"$@"; code=$?; mkdir ${home}/bob && findmnt --noheadings --output SOURCE,FSTYPE --mountpoint ${home}; exit $code`;
    const inNamespace = ["--mount", "--propagation", "private", "bash", "-c", commands, "-", guard, home, message];
    const { exitCode, stdout, stderr } = await execa("unshare", inNamespace, { reject: false });
    expect([exitCode, stdout]).toEqual([1, "home-guard tmpfs"]);
    expect(stderr).toContain(`${home} is not mounted`);
    expect(readFileSync(message, "utf8")).toContain("the next boot deletes what you write there");
    expect(readdirSync(home)).toEqual(["alice"]);
  });
});
