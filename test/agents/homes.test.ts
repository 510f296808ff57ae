/** Homes on a real machine: from the first boot on, without anyone logged in, and never over their people's work. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectReport } from "../faults/expect-report";
import { Lab } from "../faults/lab";
import type { Source } from "../faults/source";
import { successfulOutcome } from "../setup/report-outcomes";
import type { Vm } from "../faults/vm";

const agent = "/run/current-system/sw/bin/nixos-hm-auto-update";
const repository = "git://git.internal:9418/config.git";

let lab: Lab;
/** Alice's and Carol's homes live in the machine's repository, Bob's in one of its own. */
let source: Source;
let own: Source;
let vm: Vm;

const homeOf = (user: string, more = "") => `{ lib, ... }:
{
  imports = [ ../modules/home.nix ];
  home.username = "${user}";
  home.homeDirectory = "/home/${user}";
  ${more}
}
`;

beforeAll(async () => {
  lab = await Lab.open();
  source = await lab.source();
  own = await lab.source();
  expect(source.url).toBe(repository);
  source.extra = "users.users.alice.isNormalUser = true; users.users.bob.isNormalUser = true;";
  await source.edit("vms.json", (text) => text.replace('{ "user": "bob" }', '$&, { "user": "carol" }'));
  await source.edit("homes/carol.nix", () => homeOf("carol"));
  await source.commit();
  vm = await lab.vm("homes", source, {
    homes: [
      { user: "alice", attribute: "alice" },
      { user: "bob", attribute: "bob", repository: own.url, branch: "main" },
      { user: "carol", attribute: "carol" },
    ],
  });
});
afterAll(() => lab.close());

/** What a command of a user's printed, on both outputs; it may fail. */
const as = (user: string, command: string) =>
  vm.sh(`su - ${user} -c 'export XDG_RUNTIME_DIR=/run/user/$(id -u); ${command}' 2>&1 || true`);

const shows = (user: string, of: Source) =>
  vm.until(`${user}'s home is at ${of.version}`, `grep -q ${of.version} /home/${user}/.config/fleet-demo/version`, 120);

const reported = (user: string, expected: object) => expectReport(vm, `home-${user}`, expected);

/** A new revision of the machine and of the homes in its repository. */
async function update(): Promise<void> {
  await source.commit();
  await vm.update();
}

describe("homes", () => {
  it("come to be with no one logged in, from the machine's repository and from one of their own", async () => {
    await shows("alice", source);
    await shows("bob", own);
    await reported("alice", { outcome: successfulOutcome, revision: await source.head() });
    await reported("bob", { outcome: successfulOutcome, revision: await own.head(), lockMatches: true });
  });

  it("of someone who is not there yet are deferred until the first login", async () => {
    expect(vm.report("home-carol")).toMatchObject({ outcome: "deferred", revision: "" });
    await vm.sh(
      "useradd --create-home --shell /bin/bash carol && systemd-run --quiet --wait --uid=carol -p PAMName=login true",
    );
    await shows("carol", source);
    await reported("carol", { outcome: successfulOutcome, revision: await source.head() });
    expect(await vm.is("systemctl is-active --quiet nixos-auto-update-first-login.path")).toBe(false);
  });

  it("follow their machine", async () => {
    await update();
    await shows("alice", source);
    await shows("carol", source);
    await reported("alice", { outcome: successfulOutcome, revision: await source.head() });
  });

  it("say when their lock is not the machine's", async () => {
    await own.edit("flake.lock", (text) => text.replace("sha256-qajyHfZY", "sha256-qajyHfZZ"));
    await own.commit();
    await vm.update();
    await shows("bob", own);
    await reported("bob", { outcome: successfulOutcome, revision: await own.head(), lockMatches: false });
  });

  it("are held with their machine, and go on with it", async () => {
    const held = {
      outcome: "held",
      error: expect.stringContaining("the machine is held locally by root: a demo") as string,
    };
    await vm.sh("nixos-auto-update hold a demo");
    for (const user of ["alice", "bob"]) await reported(user, held);
    const before = await as("bob", "cat .config/fleet-demo/version");
    await own.commit();
    await as("bob", `${agent} run`);
    await reported("bob", held);
    expect(await as("bob", "cat .config/fleet-demo/version")).toBe(before);
    await vm.sh("nixos-auto-update resume");
    await shows("bob", own);
    await reported("alice", { outcome: successfulOutcome });
    await vm.idle();
  });

  it("move aside what is in their way", async () => {
    await as("alice", "echo mine >.greeting");
    await source.edit("homes/alice.nix", () => homeOf("alice", 'home.file.".greeting".text = "theirs";'));
    await update();
    await shows("alice", source);
    expect(await as("alice", "cat .greeting")).toBe("theirs");
    expect(await as("alice", "cat .greeting.before-update-*")).toBe("mine");
  });

  it("are left as they are while their people's work is not pushed, and go on by themselves", async () => {
    const before = await as("alice", "cat .config/fleet-demo/version");
    await as(
      "alice",
      `git clone --quiet ${repository} .config/home-manager; echo "# mine" >>.config/home-manager/flake.nix`,
    );
    await update();
    await reported("alice", {
      outcome: "deferred",
      error: expect.stringContaining("has edits that are not committed") as string,
    });
    await as(
      "alice",
      "cd .config/home-manager && git -c user.name=a -c user.email=a@x commit --quiet --all --message mine",
    );
    await as("alice", `${agent} run`);
    await reported("alice", {
      outcome: "deferred",
      error: expect.stringContaining("has commits that are not pushed") as string,
    });
    expect(await as("alice", "cat .config/fleet-demo/version")).toBe(before);
    expect(await as("alice", "tail -n 1 .config/home-manager/flake.nix")).toBe("# mine");
    await as("alice", "cd .config/home-manager && git reset --quiet --hard @{upstream}");
    await shows("alice", source);
  });

  it("go back to the former generation when the new one does not activate", async () => {
    const generation = "readlink -e .local/state/nix/profiles/home-manager; cat .config/fleet-demo/version";
    const before = await as("alice", generation);
    await as("alice", "echo mine >.in-the-way");
    await source.edit("homes/alice.nix", () =>
      homeOf(
        "alice",
        `home.activation.broken = "echo cannot activate; exit 1";
        home.file.".in-the-way".text = "theirs";
        home.file.".new".text = "theirs";`,
      ),
    );
    await update();
    await reported("alice", { outcome: "failed", stage: "switch", rolledBack: true });
    expect(await as("alice", generation)).toBe(before);
    expect(await as("alice", "cat .in-the-way; ls -d .in-the-way* .new 2>/dev/null")).toBe("mine\n.in-the-way");
    await source.edit("homes/alice.nix", () => homeOf("alice"));
    await update();
    // What the home shows is what it went back to: only the report tells that it went on.
    await reported("alice", { revision: await source.head() });
  });
});

describe("homes that would lose their agent", () => {
  const path = "systemctl --user is-active nixos-hm-auto-update.path";

  it("refuse a generation that has none, and take the next one that has", async () => {
    await source.edit("homes/alice.nix", () =>
      homeOf("alice", "services.nixos-hm-auto-update.enable = lib.mkForce false;"),
    );
    await update();
    await reported("alice", {
      outcome: "failed",
      stage: "verify",
      error: expect.stringContaining("services.nixos-hm-auto-update is not enabled in it") as string,
    });
    expect(await as("alice", path)).toBe("active");
    await source.edit("homes/alice.nix", () => homeOf("alice"));
    await update();
    await shows("alice", source);
  });

  it("are served again where their units are gone", async () => {
    await as("alice", "rm .config/systemd/user/nixos-hm-auto-update*; systemctl --user daemon-reload");
    await as("alice", "systemctl --user stop nixos-hm-auto-update.path nixos-hm-auto-update.timer");
    await update();
    await shows("alice", source);
    // Their files are in place before their units run.
    await vm.until(
      "the home waits again",
      "systemctl --user --machine=alice@ is-active --quiet nixos-hm-auto-update.path",
      30,
    );
  });
});

describe("homes that are cut short while they are switched to", () => {
  const interruptions = {
    "their agent is killed": () =>
      vm.sh("systemctl --user --machine=alice@ kill --signal=KILL nixos-hm-auto-update.service"),
    "the machine loses its power": () => vm.powerOff(),
  };

  it.each(Object.entries(interruptions))("go on by themselves where %s", async (_, interrupt) => {
    await source.edit("homes/alice.nix", () => homeOf("alice", 'home.activation.slow = "sleep 5";'));
    await update();
    await vm.until("the home is switched to", "pgrep --euid alice --full 'sleep 5'", 60);
    await interrupt();
    await reported("alice", { revision: await source.head() });
    await shows("alice", source);
    expect(await vm.is("ls /home/alice/.local/state/nixos-hm-auto-update/trial.json")).toBe(false);
  });
});

describe("their people", () => {
  it("see how it stands, and stop it and let it go on", async () => {
    expect(await as("alice", `${agent} status`)).toContain(`revision   ${await source.head()}`);
    expect(await as("alice", `${agent} hold not today`)).toContain('held until "nixos-hm-auto-update resume"');
    await update();
    await reported("alice", { outcome: "held", error: "held by alice: not today" });
    await shows("carol", source);
    expect(await as("alice", `${agent} check`)).toContain("held by alice");
    expect(await as("alice", `${agent} resume`)).toContain("no longer held");
    await reported("alice", { revision: await source.head() });
    expect(await as("alice", `${agent} log --lines=50`)).toContain("held by alice: not today");
  });

  it("says in one line what root has to do", async () => {
    expect(await as("alice", "/run/current-system/sw/bin/nixos-auto-update run")).toContain(
      "nixos-auto-update: run: must be run as root (sudo nixos-auto-update run)",
    );
    expect(await as("alice", "/run/current-system/sw/bin/nixos-auto-update status")).toContain(await source.head());
  });
});
