/** Every address that a shipped unit must reach, reached by the unit itself on a real machine: under its own sandbox, and with its own work. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { expectReport } from "../faults/expect-report";
import { Lab } from "../faults/lab";
import type { Source } from "../faults/source";
import type { Vm } from "../faults/vm";
import { patience } from "../setup/pace";
import { certificate } from "../../local/certificate";
import { httpsGit } from "../../local/https-git";
import { gitName } from "../../local/machines/network";

const hosts = ["secretmanager.googleapis.com", "logging.googleapis.com"];
const watch = "nixos-auto-update-watch.service";
const units = [watch, "nixos-auto-update.timer", "nixos-auto-update-reboot.timer"].join(" ");

const alice = "systemctl --user -M alice@";
const metrics = "/var/lib/metrics";

const scratch = mkdtempSync(path.join(tmpdir(), "unit-addresses-"));
let lab: Lab;
let source: Source;
/** Of Alice's home. */
let own: Source;
let vm: Vm;
/** HTTPS requests since the list was last emptied: host and path, and for Cloud Logging the events. */
const asked: string[] = [];

const isAsked = (what: string) =>
  expect
    .poll(() => [...asked, ...lab.asked.paths], { timeout: patience(60), interval: 200 })
    .toContainEqual(expect.stringContaining(what));

/** Nothing of what was asked until now counts. */
function forget(): void {
  asked.length = 0;
  lab.asked.paths.length = 0;
}

beforeAll(async () => {
  const tls = certificate(scratch, [gitName, ...hosts]);
  lab = await Lab.open({ trusted: { cert: tls.cert, names: hosts } });
  source = await lab.source();
  own = await lab.source();
  source.extra = `users.users.alice.isNormalUser = true; services.nixos-auto-update.metricsDirectory = "${metrics}";`;
  await source.commit();
  const git = httpsGit(path.join(lab.state, `source-${own.port}`, "git"), tls, {
    accepted: "x-access-token:glpat-alice",
    shown: [],
  });
  const front = createServer(tls, (request, response) => {
    const { host = "" } = request.headers;
    asked.push(`${host}${request.url ?? ""}`);
    if (host === hosts[0]) lab.secretManager(request, response);
    else if (host === hosts[1]) {
      let body = "";
      request.on("data", (data: Buffer) => (body += data.toString()));
      request.on("end", () => {
        asked.push(`${host} ${(body.match(/"event":"\w+"/g) ?? []).join(" ")}`);
        response.end("{}");
      });
    } else git.emit("request", request, response);
  });
  await lab.listen(443, (socket) => front.emit("connection", socket));
  const secret = lab.keepSecret("alice", "glpat-alice\n");
  lab.allowSecret(secret);
  const home = { repository: "https://git.internal/config.git", branch: "main", deployKeySecret: secret };
  const homes = [{ user: "alice", attribute: "alice", ...home }];
  vm = await lab.vm("addresses", source, { contract: 2, monitoring: true, homes });
  const shows = `grep -q ${own.version} /home/alice/.config/fleet-demo/version`;
  await vm.until("Alice's home has come to be", shows, 120);
});
// Each unit runs when its test starts it; a switch starts them as well.
beforeEach(async () => {
  await vm.idle();
  await vm.sh(`systemctl stop ${units}`);
  await vm.idle();
});
afterAll(async () => {
  await lab.close();
  rmSync(scratch, { recursive: true });
});

it("the watcher reaches the metadata server and Cloud Logging, and says how the home is", async () => {
  await vm.sh(`rm -f /run/nixos-auto-update/alive-signal`);
  forget();
  await vm.sh(`systemctl start ${watch}`);
  await isAsked("wait_for_change=true");
  await isAsked('logging.googleapis.com "event":"alive" "event":"home"');
});

it("the update reaches the metadata server, the repository, Secret Manager and Cloud Logging, and publishes", async () => {
  await vm.sh("rm -rf /run/nixos-auto-update/home-credentials");
  await source.commit();
  forget();
  await vm.update();
  // The switch starts the timers again, and one whose time after boot is past fires at once: the run serves it, too, and finds nothing new.
  const { outcome, revision } = vm.report();
  expect({ outcome, revision }).toEqual({
    outcome: expect.stringMatching(/^(updated|unchanged)$/) as string,
    revision: await source.head(),
  });
  for (const what of [
    "GET /computeMetadata/v1/instance/",
    "secretmanager.googleapis.com/v1/projects/",
    'logging.googleapis.com "event":"run"',
    "PUT /computeMetadata/v1/instance/guest-attributes/nixos-fleet/system",
  ])
    await isAsked(what);
});

it("the home's unit reaches the home's repository, and what publishes for it the metadata server", async () => {
  const unit = "nixos-hm-auto-update";
  await vm.sh(`${alice} stop ${unit}.path ${unit}.timer`);
  await vm.homeIdle("alice");
  await own.commit();
  forget();
  await vm.sh(`${alice} start ${unit}.service`);
  await isAsked("git.internal/config.git/git-upload-pack");
  await isAsked("PUT /computeMetadata/v1/instance/guest-attributes/nixos-fleet/home-alice");
  await expectReport(vm, "home-alice", { revision: await own.head() }, 60);
  const line = `nixos_hm_auto_update_info{user="alice",revision="${await own.head()}"`;
  await vm.until("the home's metrics", `grep -qF '${line}' ${metrics}/nixos-hm-auto-update-alice.prom`, 30);
});

it("the reboot's unit reaches the metadata server", async () => {
  await vm.sh("touch /run/nixos-auto-update/reboot-required");
  forget();
  await vm.sh("systemctl start nixos-auto-update-reboot.service");
  await isAsked("GET /computeMetadata/v1/instance/");
  // It found out that none is needed.
  expect(await vm.is("test -e /run/nixos-auto-update/reboot-required")).toBe(false);
});

it("a unit whose sandbox keeps an address from it would show", async () => {
  const folder = `/run/systemd/system/${watch}.d`;
  await vm.sh(`mkdir -p ${folder} && rm -f /run/nixos-auto-update/alive-signal
    printf '[Service]\\nIPAddressDeny=any\\nIPAddressAllow=169.254.169.254\\n' >${folder}/deny.conf && systemctl daemon-reload`);
  forget();
  await vm.sh(`systemctl start ${watch}`);
  const tells = `journalctl --boot --unit=${watch} --output=cat | grep -q 'Cloud Logging refuses'`;
  await vm.until("it cannot tell Cloud Logging", tells, 90);
  expect(asked).toEqual([]);
  await vm.sh(`rm -r ${folder}; systemctl daemon-reload; systemctl stop ${watch}`);
});
