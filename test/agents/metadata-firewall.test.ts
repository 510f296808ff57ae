/** What a developer without root can make of the metadata server on her VM: nothing, at every moment: through switches that change the firewall's unit, its stop and its failure. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectReport } from "../faults/expect-report";
import { Lab } from "../faults/lab";
import type { Source } from "../faults/source";
import type { Vm } from "../faults/vm";
import { successfulOutcome } from "../setup/report-outcomes";

let lab: Lab;
let source: Source;
let vm: Vm;

const server = "http://169.254.169.254/computeMetadata/v1";
// Who is let in reads the machine's name as he would read a token.
const secret = `${server}/instance/name`;
const report = `${server}/instance/guest-attributes/nixos-fleet/system`;
const flavor = "Metadata-Flavor: Google";
/** How often it goes to another system and back: a switch takes seconds. */
const times = process.env["NIXOS_FLEET_LONG"] === undefined ? 3 : 10;
const alice = "users.users.alice.isNormalUser = true;";

beforeAll(async () => {
  lab = await Lab.open();
  source = await lab.source();
  source.extra = alice;
  await source.commit();
  vm = await lab.vm("closed", source, { homes: [{ user: "alice", attribute: "alice" }] });
  await vm.until("alice's home", `grep -q ${source.version} /home/alice/.config/fleet-demo/version`, 120);
});
afterAll(() => lab.close());

/** A shell command as Alice, with what it printed, and whether it ended well. */
async function asAlice(command: string): Promise<{ ended: string; printed: string }> {
  const quoted = command.replaceAll("'", `'\\''`);
  const printed = await vm.sh(`su - alice -c '${quoted}' 2>&1; echo "ended $?"`);
  const [, text = "", ended = ""] = /^([^]*?)\n?ended (\d+)$/.exec(printed) ?? [];
  return { ended, printed: text };
}

/** Ways to the server, with the name of each. */
const ways: readonly (readonly [string, string])[] = [
  ["curl", `curl --silent --show-error --max-time 5 --header "${flavor}" ${secret}`],
  ["bash alone", `exec 3<>/dev/tcp/169.254.169.254/80 && echo open`],
  [
    "a unit of her own manager",
    `XDG_RUNTIME_DIR=/run/user/$(id -u) systemd-run --user --wait --pipe --quiet curl --silent --show-error --max-time 5 --header "${flavor}" ${secret}`,
  ],
  [
    "a build of her own",
    `nix build --impure --no-link --print-build-logs --expr 'derivation { name = "steal"; system = builtins.currentSystem; builder = "/bin/bash"; args = [ "-c" "exec 3<>/dev/tcp/169.254.169.254/80 && echo open && echo open >$out" ]; PATH = "/usr/bin"; }'`,
  ],
  [
    "another user's id in a namespace of hers",
    `unshare --user --map-root-user curl --silent --show-error --max-time 5 --header "${flavor}" ${secret}`,
  ],
];

/**
 * Prints how many packets to the server an MPTCP connection of Alice's sends, and how many of them pass the rules: its second path is a
 * socket of the kernel's own, as that of AF_SMC is, which this kernel lacks. Root allows such a path here.
 */
const socketOfTheKernel = String.raw`
[ -e /proc/sys/net/mptcp/enabled ] || exit 0
nft --file - <<'END'
table inet seen {
  counter a_sent { }
  counter b_passed { }
  chain sent {
    type filter hook output priority -10;
    ip daddr 169.254.169.254 tcp dport 80 tcp option mptcp exists counter name a_sent
  }
  chain passed {
    type filter hook output priority 10;
    ip daddr 169.254.169.254 tcp dport 80 tcp option mptcp exists counter name b_passed
  }
}
END
ip mptcp limits set subflows 2 add_addr_accepted 2
ip mptcp endpoint add 169.254.169.254 signal id 9
cat >/tmp/mptcp.pl <<'END'
use Socket;
socket(S, AF_INET, SOCK_STREAM, 262) or die;
my $here = sockaddr_in(80, inet_aton("127.0.0.1"));
if (shift eq "serve") { bind(S, $here) or die; listen(S, 1); accept(C, S); sysread(C, $text, 9); syswrite(C, "x"); sleep 2; }
else { connect(S, $here) or die; syswrite(S, "x"); sysread(S, $text, 9); sleep 1; }
END
perl /tmp/mptcp.pl serve &
sleep 0.5
su - alice -c 'perl /tmp/mptcp.pl ask'
wait
nft list counters table inet seen
nft delete table inet seen
ip mptcp endpoint delete id 9`;

describe("a developer", () => {
  it.each(ways)("gets nothing by %s", async (_, command) => {
    const { ended, printed } = await asAlice(command);
    expect(ended, printed).not.toBe("0");
    expect(printed).not.toMatch(/closed|\bopen$/m);
  });

  it("opens no connection by a socket that the kernel makes for her, which has no user", async (context) => {
    const seen = await vm.sh(socketOfTheKernel);
    context.skip(seen === "", "this kernel has no MPTCP");
    const [sent, passed] = [...seen.matchAll(/packets (\d+)/g)].map(([, packets]) => Number(packets));
    expect(sent, seen).toBeGreaterThan(0);
    expect(passed, seen).toBe(0);
  });

  it("forges no report of the system", async () => {
    const before = vm.report();
    const { ended } = await asAlice(`curl --fail --max-time 5 -X PUT --data forged --header "${flavor}" ${report}`);
    expect(ended).not.toBe("0");
    expect(vm.report()).toEqual(before);
  });

  it("has root publish nothing by a link in the place of her home's state", async () => {
    const state = "/home/alice/.local/state/nixos-hm-auto-update/state.json";
    await expectReport(vm, "home-alice", { outcome: successfulOutcome, revision: await source.head() }, 60);
    const home = vm.report("home-alice");
    await vm.sh("chmod 600 /var/lib/nixos-auto-update/state.json; echo secret >/root/secret; chmod 600 /root/secret");
    for (const target of ["/var/lib/nixos-auto-update/state.json", "/root/secret"]) {
      await asAlice(`ln -sfn ${target} ${state}`);
      await vm.sh("nixos-auto-update publish alice || true");
      expect(vm.report("home-alice")).toEqual(home);
    }
    await asAlice(`rm ${state}`);
  });

  it("still has the name service of that address, and the machine its updates", async () => {
    const { printed } = await asAlice("bash -c 'echo >/dev/udp/169.254.169.254/53 && echo sent'");
    expect(printed).toBe("sent");
    await source.commit();
    await vm.update();
    expect(vm.report()).toMatchObject({ outcome: successfulOutcome, revision: await source.head() });
  });

  it("does not stand in root's way", async () => {
    expect(await vm.sh(`curl --silent --fail --header "${flavor}" ${secret}`)).toBe("closed");
  });
});

/** Polls the metadata server as a developer all the time, and notes each answer and each refusal in a file. */
const poll = String.raw`
exec 4<> <(:)
while read -rt 0.005 <&4; [ $? -gt 128 ]; do
  exec 3<>/dev/tcp/169.254.169.254/80 || { echo refused; continue; }
  printf 'GET /computeMetadata/v1/instance/name HTTP/1.0\r\nMetadata-Flavor: Google\r\n\r\n' >&3
  if read -r line <&3; then echo "answered $line"; else echo refused; fi
  exec 3>&-
done 2>/dev/null >/home/dev/polls`;

/** What the developer met since the last call: how often she was refused, and what she was answered. */
async function polled(): Promise<{ refused: number; answers: string }> {
  const polls = "/home/dev/polls";
  const answers = await vm.sh(`grep -a -m 3 answered ${polls} || true`);
  const refused = Number(await vm.sh(`grep -a -c refused ${polls} || true`));
  await vm.sh(`truncate --size=0 ${polls}`);
  return { refused, answers };
}

async function expectClosed(): Promise<void> {
  const { refused, answers } = await polled();
  expect(answers).toBe("");
  expect(refused).toBeGreaterThan(10);
}

const unit = () => vm.sh("cat /etc/systemd/system/metadata-firewall.service");

describe("a developer who asks all the time gets nothing", () => {
  beforeAll(async () => {
    await vm.sh(`useradd --create-home dev\ncat >/home/dev/poll <<'END'\n${poll}\nEND`);
    await vm.sh("systemd-run --quiet --unit=poll --uid=dev --property=Nice=10 bash /home/dev/poll");
  });

  it("while switches change the firewall's unit", async () => {
    const older = (await vm.facts()).current;
    await source.commit();
    await vm.update();
    const newer = (await vm.facts()).current;
    for (let count = 0; count < times; count++)
      for (const system of [older, newer]) {
        const before = await unit();
        await vm.sh(`${system}/bin/switch-to-configuration test`);
        expect(await unit()).not.toBe(before);
      }
    expect(await vm.sh("systemctl is-active metadata-firewall.service")).toBe("active");
    await expectClosed();
  });

  it("while the unit is stopped, and when its rules cannot be loaded", async () => {
    await vm.sh("systemctl stop metadata-firewall.service");
    await vm.sh("sleep 0.3");
    await expectClosed();
    // A user whom the rules name is not there.
    await vm.sh(`rules=$(sed -n 's/^ExecReload=.*--file //p' /etc/systemd/system/metadata-firewall.service)
      sed 's/nobody/nosuch/' "$rules" >/run/wrong.nft
      mkdir -p /run/systemd/system/metadata-firewall.service.d
      printf '[Service]\nExecStart=\nExecStart=/usr/sbin/nft --file %s\nExecStart=/usr/sbin/nft --file /run/wrong.nft\n' \
        "$(sed -n 's/^ExecStart=.*--file //p' /etc/systemd/system/metadata-firewall.service | head -n 1)" \
        >/run/systemd/system/metadata-firewall.service.d/wrong.conf
      nft flush ruleset
      systemctl daemon-reload
      ! systemctl start metadata-firewall.service`);
    await polled();
    await vm.sh("sleep 0.3");
    await expectClosed();
    await vm.sh(`rm -r /run/systemd/system/metadata-firewall.service.d
      systemctl daemon-reload; systemctl restart metadata-firewall.service`);
  });

  it("until the configuration opens it", async () => {
    source.extra = `${alice} services.nixos-auto-update.protectMetadata = false;`;
    await source.commit();
    await vm.update();
    await polled();
    await vm.until("the developer is answered", "grep -a -q answered /home/dev/polls", 30);
    // Only a way that leads there shows above that it is closed.
    for (const [name, command] of ways) {
      const { ended, printed } = await asAlice(command);
      expect(ended, `${name}: ${printed}`).toBe("0");
      expect(printed, name).toMatch(/closed|\bopen$/m);
    }
    source.extra = alice;
    await source.commit();
    await vm.update();
    await polled();
    await vm.sh("sleep 0.3");
    await expectClosed();
  });
});
