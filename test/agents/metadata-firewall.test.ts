/** The metadata server stays closed to developers at every moment: through switches that change the firewall's unit, its stop and its failure. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { Lab } from "../faults/lab";
import type { Source } from "../faults/source";
import type { Vm } from "../faults/vm";

let lab: Lab;
let source: Source;
let vm: Vm;

/** Polls the metadata server as a developer all the time, and notes each answer and each refusal in a file. */
const poll = String.raw`
while :; do
  exec 3<>/dev/tcp/169.254.169.254/80 || { echo refused; continue; }
  printf 'GET /computeMetadata/v1/instance/name HTTP/1.0\r\nMetadata-Flavor: Google\r\n\r\n' >&3
  if read -r line <&3; then echo "answered $line"; else echo refused; fi
  exec 3>&-
  sleep 0.005
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

beforeAll(async () => {
  lab = await Lab.open();
  source = await lab.source();
  vm = await lab.vm("closed", source);
  await vm.sh(`useradd --create-home dev\ncat >/home/dev/poll <<'END'\n${poll}\nEND`);
  await vm.sh("systemd-run --quiet --unit=poll --uid=dev --property=Nice=10 bash /home/dev/poll");
});
afterAll(() => lab.close());

it("while 20 switches change the firewall's unit", async () => {
  const older = (await vm.facts()).current;
  await source.commit();
  await vm.update();
  const newer = (await vm.facts()).current;
  for (let count = 0; count < 10; count++)
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
  source.extra = "services.nixos-auto-update.protectMetadata = false;";
  await source.commit();
  await vm.update();
  await polled();
  await vm.until("the developer is answered", "grep -a -q answered /home/dev/polls", 30);
  source.extra = "";
  await source.commit();
  await vm.update();
  await polled();
  await vm.sh("sleep 0.3");
  await expectClosed();
});
