/** Real machines in three waves, four by default and twelve with `--all`, whose configuration says which of them become unhealthy. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { short } from "../../rules/contract";
import { push, seed } from "../../local/cli/repository";
import { groupOf } from "../../local/machines/cgroup";
import { leaderOf } from "../../local/machines/container";
import { cloudNames, machineNames } from "../../local/machines/names";
import { instanceAction, type Action } from "../program/setup/instance-action";
import { TestCloud, until, type CloudCommand } from "./cloud";
import { WatchedPage, Webhook } from "./observers";

const project = resolve(__dirname, "../..");
export const long = process.env["NIXOS_FLEET_LONG"] === "1";

/** A revision of the configuration, and the number that tells it on a machine. */
export interface Change {
  number: number;
  revision: string;
}

/** What the stack sets of its first wave, and of the whole fleet. */
interface MoreSettings {
  canary?: object;
  /** A revision that does not wait for windows and pauses. */
  urgent?: string;
}

export class RolloutFleet extends TestCloud {
  readonly all: readonly string[];
  readonly waves: Readonly<Record<"canary" | "middle" | "rest", readonly string[]>>;
  private readonly webhook = new Webhook();
  /** Messages that people got, in order. */
  readonly messages = this.webhook.messages;
  private dashboard: CloudCommand | undefined;
  private page: WatchedPage | undefined;
  private number = 0;

  constructor(
    /** What its VMs follow from the next `set` on. */
    public follow: "branch" | "approved",
    machines = long ? 12 : 4,
  ) {
    super();
    this.all = Array.from({ length: machines }, (_, index) => `dev-${index + 1}`);
    const inMiddle = machines > 6 ? 5 : machines - 1;
    this.waves = { canary: this.all.slice(0, 1), middle: this.all.slice(1, inMiddle), rest: this.all.slice(inMiddle) };
    this.env["PULUMI_OPTION_CONFIG_FILE"] = this.config;
  }

  /** Up from nothing. @param more Nix of every machine's configuration */
  async startChanging(more = ""): Promise<Change> {
    await seed(this.place);
    const path = join(this.clone, "flake.nix");
    const hosts = "./hosts/${name}.nix";
    const flake = readFileSync(path, "utf8");
    assert(flake.includes(hosts), `${path} does not take its machines from ${hosts}`);
    writeFileSync(path, flake.replace(hosts, "(import ./change.nix name)"));
    writeFileSync(join(this.clone, "vms.json"), JSON.stringify(this.all.map((name) => ({ name }))));
    const change = await this.commit([], more);
    this.set();
    this.env["NIXOS_FLEET_NOTIFY_WEBHOOK"] = await this.webhook.start();
    await this.start();
    return change;
  }

  /** Opens the dashboard's page. */
  async watch(): Promise<void> {
    this.dashboard = await this.beginFleet("dashboard --json");
    await this.dashboard.says("}");
    const { url } = JSON.parse(this.dashboard.said()) as { url: string };
    this.page = await WatchedPage.open(url);
  }

  /** What the page has shown since. */
  async watched(): Promise<{ headlines: readonly string[]; text: string }> {
    assert(this.page, "the page is not open");
    return { headlines: this.page.headlines, text: await this.page.shows() };
  }

  async unwatch(): Promise<void> {
    await this.page?.close();
    this.dashboard?.interrupt();
    await this.dashboard?.ended;
    this.page = this.dashboard = undefined;
  }

  override async down(): Promise<void> {
    await this.unwatch();
    this.webhook.stop();
    await super.down();
  }

  /** The stack's configuration. @param middle what is set of the wave `middle`; @param labels of every VM */
  set(middle: object = {}, labels: Record<string, string> = {}, { canary = {}, urgent }: MoreSettings = {}): void {
    const { canary: first, middle: vms } = this.waves;
    const config = {
      "gcp:project": "local-project",
      "gcp:region": "europe-west1",
      "gcp:zone": "europe-west1-b",
      "nixos-fleet:repository": "git://git.internal/config.git",
      "nixos-fleet:follow": this.follow,
      "nixos-fleet:deletionProtection": "false",
      "nixos-fleet:bootTimeout": "5m",
      "nixos-fleet:defaults": { machineType: "e2-standard-2", image: "nixos-fleet", diskSizeGb: 10 },
      ...(urgent === undefined ? {} : { "nixos-fleet:urgent": urgent }),
      "nixos-fleet:vms": this.all.map((name) => ({ name, labels })),
      "nixos-fleet:waves": [
        { name: "canary", vms: first, timeout: "3m", ...canary },
        { name: "middle", vms, timeout: "3m", ...middle },
        { name: "rest", rest: true, timeout: "3m" },
      ],
    };
    const salt = /^encryptionsalt: (.*)$/m.exec(readFileSync(join(project, "Pulumi.local.yaml"), "utf8"))?.[1];
    // JSON is YAML.
    writeFileSync(this.config, JSON.stringify({ config, encryptionsalt: salt }));
  }

  /** Pushes the next change; the named VMs are unhealthy after the switch to it. @param more Nix of every machine's configuration */
  async commit(unhealthy: readonly string[] = [], more = ""): Promise<Change> {
    this.number += 1;
    const path = join(this.clone, "change.nix");
    writeFileSync(path, changeModule(this.number, unhealthy, more));
    await push(this.place, [path]);
    return { number: this.number, revision: await this.head() };
  }

  /** What shows on a machine: the change that runs, that the next boot brings up, that the service is of; the generations that it had. */
  async sees(vm: string): Promise<{ runs: number; boots: number; serves: number; had: number[] }> {
    const [runs = 0, boots = 0, serves = 0, ...had] = (
      await this.in(
        vm,
        "cat /run/current-system/etc/fleet-change /nix/var/nix/profiles/system/etc/fleet-change /run/fleet-change/number " +
          "/nix/var/nix/profiles/system-*-link/etc/fleet-change",
      )
    )
      .split("\n")
      .map(Number);
    return { runs, boots, serves, had };
  }

  async expectAll({ number, revision }: Change, vms: readonly string[] = this.all): Promise<void> {
    const status = await this.status();
    for (const vm of vms) {
      const { had: _, ...now } = await this.sees(vm);
      assert.deepEqual(now, { runs: number, boots: number, serves: number }, vm);
      assert.equal(status[vm]?.system?.revision, revision, vm);
    }
  }

  /** None of these VMs has ever had the change as a generation, or tried it. */
  async expectUntouched({ number, revision }: Change, vms: readonly string[]): Promise<void> {
    for (const vm of vms) {
      assert(!(await this.sees(vm)).had.includes(number), `${vm} had change ${number}`);
      const log = await this.in(
        vm,
        "cat /var/lib/nixos-auto-update/state.json; journalctl -u 'nixos-auto-update*' -o cat",
      );
      assert(!log.includes(`building ${short(revision)}`) && !log.includes(`"refused":[{"revision":"${revision}`), log);
    }
  }

  /** Restarts every VM, or starts it for the first time, and waits until its own timer has run. */
  async boot(vms: readonly string[]): Promise<void> {
    const before = await this.status();
    await Promise.all(vms.map((vm) => this.act(vm, before[vm]?.state === "RUNNING" ? "reset" : "start")));
    await until(`${vms.join(", ")} report from a new boot`, 240, async () => {
      const now = await this.status();
      return vms.every((vm) => ![undefined, before[vm]?.system?.bootedAt].includes(now[vm]?.system?.bootedAt));
    });
  }

  async act(vm: string, action: Action): Promise<void> {
    await instanceAction(this.endpoint(), vm, action);
  }

  /** Stops the time of a VM, as where its kernel hangs: Compute says that it runs. */
  freeze(vm: string, frozen = true): void {
    const names = machineNames(cloudNames(this.state), vm);
    const leader = leaderOf(names);
    if (leader === undefined) throw new Error(`${vm} does not run`);
    const [above = ""] = groupOf(leader).split(names.cgroup);
    writeFileSync(join(above, names.cgroup, "cgroup.freeze"), frozen ? "1" : "0");
  }
}

function changeModule(number: number, unhealthy: readonly string[], more: string): string {
  return `# Which change this is, and whose health check fails.
name:
{
  imports = [ { ${more} } ];
  networking.hostName = name;
  environment.etc.fleet-change.text = "${number}\\n";
  services.nixos-auto-update.onBoot = "10s";
  services.nixos-auto-update.healthChecks.change.command =
    if builtins.elem name [ ${unhealthy.map((vm) => `"${vm}"`).join(" ")} ] then "echo change ${number} is unhealthy; exit 1" else "true";
  systemd.services.fleet-change = {
    description = "Show which change this machine runs";
    wantedBy = [ "multi-user.target" ];
    serviceConfig.RuntimeDirectory = "fleet-change";
    script = ''
      echo ${number} > /run/fleet-change/number
      exec sleep infinity
    '';
  };
}
`;
}
