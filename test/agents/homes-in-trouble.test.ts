/** Homes that make trouble for root: none of them delays the machine's update or another home, and each is reported and comes back. */
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mountHung } from "../faults/hung-mount";
import { expectReport } from "../faults/expect-report";
import { Lab } from "../faults/lab";
import type { Source } from "../faults/source";
import type { Vm } from "../faults/vm";
import { patience } from "../setup/pace";
import { successfulOutcome } from "../setup/report-outcomes";

const state = ".local/state/nixos-hm-auto-update";

let lab: Lab;
let source: Source;
let vm: Vm;
/** Seconds that an update took while all homes were well. */
let usual: number;

const home = (user: string) => `{ ... }:
{
  imports = [ ../modules/home.nix ];
  home.username = "${user}";
  home.homeDirectory = "/home/${user}";
}
`;

beforeAll(async () => {
  lab = await Lab.open();
  source = await lab.source();
  source.extra = "users.users.alice.isNormalUser = true; users.users.bob.isNormalUser = true;";
  await source.edit("vms.json", (text) => text.replace('{ "user": "bob" }', '$&, { "user": "carol" }'));
  await source.edit("homes/carol.nix", () => home("carol"));
  await source.commit();
  const homes = ["alice", "bob", "carol"].map((user) => ({ user, attribute: user }));
  vm = await lab.vm("trouble", source, { homes });
  await Promise.all([shows("alice"), shows("bob")]);
  usual = await update();
});
afterAll(() => lab.close());

/** A new revision of the machine and its homes; the seconds that root's run took. */
async function update(): Promise<number> {
  await source.commit();
  const start = Date.now();
  await vm.update();
  expect(await vm.sh("cat /etc/lab")).toBe(source.number);
  return (Date.now() - start) / 1000;
}

/** The same, which may not take longer because of what a user does: a single wait for one would be 10 s. */
async function updatePromptly(): Promise<void> {
  expect(await update()).toBeLessThan(usual + patience(8) / 1000);
}

const shows = (user: string) =>
  vm.until(
    `${user}'s home is at ${source.version}`,
    `grep -q ${source.version} /home/${user}/.config/fleet-demo/version`,
    120,
  );

const reported = (user: string, expected: object) => expectReport(vm, `home-${user}`, expected);

const isCurrent = async (user: string) => reported(user, { outcome: successfulOutcome, revision: await source.head() });
const as = (user: string, command: string) =>
  vm.sh(`su - ${user} -c 'export XDG_RUNTIME_DIR=/run/user/$(id -u); ${command}'`);

it("a first update that a drop-in of the user's keeps from starting delays no one, and is reported", async () => {
  const dropIn = "/home/carol/.config/systemd/user/nixos-hm-auto-update-first.service.d";
  await vm.sh(`useradd --create-home --shell /bin/bash carol
    mkdir -p ${dropIn}
    printf '[Service]\\nExecStartPre=sleep infinity\\nTimeoutStartSec=infinity\\n' >${dropIn}/slow.conf
    chown -R carol: /home/carol`);
  await updatePromptly();
  await shows("bob");
  await reported("carol", {
    outcome: "deferred",
    error: "the manager of carol's units does not start the first update",
  });
  await vm.sh(`rm -r ${dropIn}`);
  await as("carol", "systemctl --user daemon-reload; systemctl --user stop nixos-hm-auto-update-first.service");
  await updatePromptly();
  await shows("carol");
  await isCurrent("carol");
});

/** Ways to keep a reader of a state waiting. Each returns a function that ends the wait. */
const silences: [string, (folder: string) => Promise<() => Promise<unknown>>][] = [
  [
    "a pipe",
    async (folder) => {
      await vm.sh(`rm -f ${folder}/state.json; mkfifo --mode=666 ${folder}/state.json`);
      return () => vm.sh(`rm ${folder}/state.json`);
    },
  ],
  [
    "in a file system whose server hangs, where not even SIGKILL ends a reader,",
    async (folder) => {
      const uid = Number(await vm.sh("id -u carol"));
      const end = await mountHung(vm.leader(), uid, folder);
      return async () => {
        await end();
        await vm.sh(`umount ${folder}`);
      };
    },
  ],
];

/** Whether this kernel has FUSE; some hosts' kernels are built without it. */
const hasFuse = existsSync("/dev/fuse") && readFileSync("/proc/filesystems", "utf8").includes("\tfuse\n");

it.each(hasFuse ? silences : silences.slice(0, 1))(
  "a state that is %s delays no one, and is reported",
  async (_, silence) => {
    const folders = [`/home/carol/${state}`, `/run/user/${await vm.sh("id -u carol")}/nixos-hm-auto-update`];
    const ends = await Promise.all(folders.map(silence));
    await updatePromptly();
    await shows("bob");
    await reported("carol", {
      outcome: "deferred",
      error: "the state of carol's home cannot be read: a file of carol's does not answer",
    });
    for (const end of ends) await end();
    // Her own agent waits for the file, too.
    await as("carol", "systemctl --user kill --signal=KILL nixos-hm-auto-update.service || true");
    await updatePromptly();
    await shows("carol");
    await isCurrent("carol");
  },
);

it("a path unit that was started too often or that someone stopped runs again, and so does a manager that was killed", async () => {
  // More often than the five times in ten seconds that systemd allows a unit by default.
  await vm.sh("for i in $(seq 12); do touch /run/nixos-auto-update/homes.json; sleep 0.15; done");
  await updatePromptly();
  await shows("alice");
  await as("alice", "systemctl --user stop nixos-hm-auto-update.path nixos-hm-auto-update.timer");
  await vm.sh("systemctl kill --signal=KILL user@$(id -u bob).service");
  await vm.until("bob's manager is gone", "! systemctl is-active --quiet user@$(id -u bob).service", 10);
  await updatePromptly();
  await Promise.all([shows("alice"), shows("bob")]);
  await Promise.all([isCurrent("alice"), isCurrent("bob")]);
  expect(await as("alice", "systemctl --user is-active nixos-hm-auto-update.path")).toBe("active");
});

it("a home whose manager is still starting waits for it, since Home Manager would load none of its units", async () => {
  const units = "/home/alice/.config/systemd/user";
  await vm.sh(`mkdir -p ${units}/default.target.wants
    printf '[Service]\\nType=oneshot\\nTimeoutStartSec=infinity\\nExecStart=sh -c "until test -e %%t/go; do sleep 0.2; done"\\n' >${units}/slow.service
    ln -s ../slow.service ${units}/default.target.wants/slow.service
    chown -Rh alice: ${units}/slow.service ${units}/default.target.wants
    systemctl restart user@$(id -u alice).service`);
  await updatePromptly();
  await reported("alice", { outcome: "deferred", error: "the manager of this user's units has not started yet" });
  await as("alice", "touch $XDG_RUNTIME_DIR/go");
  await shows("alice");
  await isCurrent("alice");
  await vm.sh(`rm ${units}/default.target.wants/slow.service ${units}/slow.service`);
});

it("homes whose manager runs niced, or whose user keeps states elsewhere, are updated and reported", async () => {
  await vm.sh(`mkdir -p /etc/systemd/system/user@.service.d /home/bob/.config/environment.d
    printf '[Service]\\nNice=10\\n' >/etc/systemd/system/user@.service.d/nice.conf
    echo 'XDG_STATE_HOME=/home/bob/elsewhere' >/home/bob/.config/environment.d/state.conf
    chown -R bob: /home/bob/.config/environment.d
    systemctl daemon-reload
    systemctl restart user@$(id -u alice).service user@$(id -u bob).service`);
  expect(await vm.sh("ps --no-headers -o nice -p $(systemctl show -p MainPID --value user@$(id -u alice))")).toBe("10");
  await updatePromptly();
  await Promise.all([shows("alice"), shows("bob")]);
  await Promise.all([isCurrent("alice"), isCurrent("bob")]);
  expect(await vm.is("test -e /home/bob/elsewhere/nixos-hm-auto-update/state.json")).toBe(true);
});

describe("what root says about a home whose first update seems not to start", () => {
  const files = "/home/alice/.local/state /run/user/$(id -u alice)";
  const forget = `for f in ${files}; do rm -f $f/nixos-hm-auto-update/state.json; done`;
  /** Root's check, in which a start of the first update does what these lines say, and fails. */
  const serve = (lines: string) =>
    vm.sh(`mkdir -p /tmp/instead
      cat >/tmp/instead/systemd-run <<'END'
#!/bin/sh
PATH=\${PATH#/tmp/instead:}
case "$*" in
*-first.service*) ${lines} exit 1 ;;
*) exec systemd-run "$@" ;;
esac
END
      chmod +x /tmp/instead/systemd-run
      PATH=/tmp/instead:$PATH nixos-auto-update serve alice`);

  it("is nothing if another check of root's started it and it has ended", async () => {
    const published = "/run/nixos-auto-update/published-home-alice";
    await vm.sh(forget);
    await serve(`systemd-run "$@"; until [ ${published} -nt /tmp/instead/systemd-run ]; do sleep 0.1; done;`);
    await isCurrent("alice");
  });

  it("is replaced by the home's own report at the next check", async () => {
    const publisher = "nixos-auto-update-publish-alice";
    await vm.sh(`cp --preserve /home/alice/${state}/state.json /tmp/state.json; ${forget}`);
    await serve("");
    await reported("alice", { error: "the manager of alice's units does not start the first update" });
    await vm.sh(`systemctl stop ${publisher}.path ${publisher}.service
      cp --preserve /tmp/state.json /home/alice/${state}/state.json
      nixos-auto-update serve alice`);
    await isCurrent("alice");
  });

  it("is not its last word if it publishes for homes meanwhile: it checks again", async () => {
    const starts = "/tmp/instead/starts";
    await vm.sh(`${forget}; systemctl --user -M alice@ stop nixos-hm-auto-update.path`);
    await serve(`echo >>${starts}; [ $(wc -l <${starts}) -gt 1 ] || touch /run/nixos-auto-update/homes.json;`);
    expect(await vm.sh(`wc -l <${starts}`)).toBe("2");
    await vm.sh("nixos-auto-update serve alice");
    await isCurrent("alice");
  });
});

it("what a user writes under the agent's name is not in its log", async () => {
  await as("alice", "echo forged | systemd-cat --identifier=nixos-auto-update");
  await vm.until("it is in the journal", "journalctl --identifier=nixos-auto-update | grep -q forged", 10);
  const shown = await vm.sh("nixos-auto-update log --no-pager");
  expect(shown).toContain("update requested by");
  expect(shown).not.toContain("forged");
});

it("a user who rewrites her state without pause has root publish every few seconds only", async () => {
  const published = () =>
    lab.asked.paths.filter((path) => path.startsWith("PUT") && path.endsWith("/home-alice")).length;
  // The tests before this one have used up what the home may publish without waiting.
  await vm.sh("rm -f /run/nixos-auto-update/publishing-budget-alice");
  const before = published();
  const rewrite = `f=${state}/state.json; n=0; while :; do n=$((n + 1)); sed "s/\\"agent\\"/\\"n$n\\":0,&/" $f >$f.mine; mv $f.mine $f; sleep 0.1; done`;
  await vm.sh(
    `systemd-run --quiet --unit=rewrites --uid=alice --working-directory=/home/alice sh -c ${quoted(rewrite)}`,
  );
  await sleep(20_000);
  await vm.sh("systemctl stop rewrites.service");
  expect(published() - before).toBeLessThanOrEqual(6);
  expect(published() - before).toBeGreaterThan(0);
});

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
