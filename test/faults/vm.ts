/** One VM under fault: what is done to it, and what is seen of it from outside. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseReport, type Report } from "../../rules/report";
import { leaderOf } from "../../local/machines/container";
import type { Machines } from "../../local/machines/driver";
import type { MachineNames } from "../../local/machines/names";
import { enter } from "../../local/machines/nspawn";
import { patience } from "../setup/pace";
import { facts, type Facts, parseFacts } from "./facts";

const unit = "nixos-auto-update.service";
/** A quick machine is through with five updates within the ten seconds in which systemd starts a unit five times at most. */
const anotherStart = `systemctl reset-failed ${unit} 2>/dev/null`;
/**
 * A unit has this link from its start until it is dead, has failed, or waits to be started again (`unit_notify` in systemd): in between, a
 * start joins the run that is under way, which may have looked already. A question to systemd takes ten times as long as a look at the link.
 */
const runs = `[ -L /run/systemd/units/invocation:${unit} ]`;

export class Vm {
  constructor(
    readonly name: string,
    private readonly names: MachineNames,
    private readonly machines: Machines,
    readonly published: (key: string) => string | undefined,
    private readonly plug: (up: boolean) => Promise<void>,
  ) {}

  /** What a shell command printed, as root; throws when it fails. */
  async sh(command: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.machines.exec(this.name, ["sh", "-c", command]);
    if (exitCode !== 0) throw new Error(`${this.name}: ${command}\n${stdout}${stderr}`);
    return stdout.trim();
  }

  /** Whether a shell command succeeds; a machine that is just booting answers no. */
  async is(command: string, shell = "sh"): Promise<boolean> {
    const result = await this.machines.exec(this.name, [shell, "-c", command]).catch(() => undefined);
    return result?.exitCode === 0;
  }

  /** Waits for the end of the first boot, and sets the agent's limits, here and for every boot to come. */
  async settle(limits: Record<string, string>): Promise<void> {
    await this.until("the first update", "test -e /var/lib/nixos-auto-update/bootstrapped", 180);
    const words = Object.entries(limits).map(([name, value]) => `${name}=${value}`);
    const file = "/etc/systemd/system.conf.d/limits.conf";
    await this.sh(`printf '[Manager]\\nDefaultEnvironment=${words.join(" ")}\\n' >${file}`);
    await this.sh(`systemctl set-environment ${words.join(" ")}`);
    await this.idle();
  }

  /** Waits until a shell command succeeds. It looks from inside, up to 5 s at a time, because each entry into a machine costs more than a look. */
  async until(what: string, command: string, seconds: number): Promise<void> {
    const limit = patience(seconds);
    const end = Date.now() + limit;
    // What the shell does by itself starts no process.
    const looks = `exec 3<> <(:); for ((look = 0; look < 25; look++)); do if { ${command}\n}; then exit 0; fi; read -rt 0.2 -u 3; done; exit 1`;
    while (!(await this.is(looks, "bash"))) {
      if (Date.now() > end)
        throw new Error(`${this.name}: not within ${Math.round(limit / 1000)} s: ${what}\n${await this.journal()}`);
      await sleep(200);
    }
  }

  /** The end of the agents' journal and of what systemd says about the update's service, for a test that failed. */
  async journal(): Promise<string> {
    const agents = ["nixos-auto-update", "nixos-hm-auto-update"].map((name) => `SYSLOG_IDENTIFIER=${name}`);
    const options = ["--no-pager", "--output=short-monotonic", "--lines=60"];
    const { stdout } = await this.machines.exec(this.name, ["journalctl", ...options, ...agents, "+", `UNIT=${unit}`]);
    return stdout;
  }

  /** What the agent said during its last run. */
  lastRun(): Promise<string> {
    const run = `_SYSTEMD_INVOCATION_ID=$(systemctl show ${unit} --property=InvocationID --value)`;
    return this.sh(`journalctl --sync; journalctl --no-pager --output=cat ${run}`);
  }

  /** Waits until no update runs; one that systemd is to start again after it was killed does not. */
  idle(): Promise<void> {
    return this.until("no update runs", `! ${runs}`, 240);
  }

  /** Waits until no update of a user's home runs. */
  homeIdle(user: string): Promise<void> {
    const show = `systemctl --user --machine=${user}@ show nixos-hm-auto-update.service --property=SubState --value`;
    const isIdle = `case $(${show}) in dead|failed|auto-restart*) ;; *) false ;; esac`;
    return this.until(`no update of ${user}'s home runs`, isIdle, 120);
  }

  /** Runs the update service and waits for its end, however it ends. */
  async update(seconds = 240): Promise<void> {
    await this.idle();
    await this.sh(
      `${anotherStart}; timeout ${Math.round(patience(seconds) / 1000)} systemctl start ${unit} || test $? != 124`,
    );
  }

  /** The same, without waiting for its end. */
  async begin(): Promise<void> {
    await this.idle();
    await this.sh(`${anotherStart}; systemctl start --no-block ${unit}`);
  }

  /** The machine's first process, as the host sees it. */
  leader(): number {
    const leader = leaderOf(this.names);
    if (leader === undefined) throw new Error(`${this.name} does not run`);
    return leader;
  }

  /** Whether an update runs. */
  runs(): Promise<boolean> {
    return this.is(runs);
  }

  /** Whether systemd calls the update's service failed. */
  unitFailed(): Promise<boolean> {
    return this.is(`systemctl is-failed --quiet ${unit}`);
  }

  /** Waits until the run has written whom it serves, or is over: one that is killed earlier leaves the next no right to the branch's head. */
  hasRequester(): Promise<void> {
    return this.until(
      "the run has written whom it serves",
      `test -e /run/nixos-auto-update/serving.json || ! ${runs}`,
      60,
    );
  }

  /** Ends the agent and all that it started, or itself alone; whether it still ran. */
  async kill(whom: "all" | "main"): Promise<boolean> {
    await this.sh(`systemctl kill --signal=KILL --kill-whom=${whom} ${unit} || true`);
    await this.idle();
    return this.is(`test "$(systemctl show ${unit} --property=Result --value)" = signal`);
  }

  /** Pulls the plug and puts it back; what the page cache holds is the host's and survives. */
  powerOff(): Promise<void> {
    return this.machines.reset(this.name);
  }

  /** Restarts the machine in order, as a person does. */
  async reboot(): Promise<void> {
    const boot = "cat /proc/sys/kernel/random/boot_id";
    const before = await this.sh(boot);
    // The shutdown may be faster than the command that asks for it, and end it.
    await this.is("systemctl reboot");
    await this.until("it boots again", `test "$(${boot})" != ${before}`, 90);
  }

  /** Waits until the update that the timer after the boot starts has ended. */
  async recovered(): Promise<void> {
    const begun = "[ -e /run/nixos-auto-update/boot-served ]";
    await this.until("the update after boot", `${begun} && ! ${runs}`, 120);
  }

  cutNetwork(): Promise<void> {
    return this.plug(false);
  }

  restoreNetwork(): Promise<void> {
    return this.plug(true);
  }

  /** The report as readers get it. @throws where it is none */
  report(key = "system"): Report {
    const read = parseReport(this.published(key) ?? "");
    if (!read.ok) throw new Error(`the report ${key} is not valid: ${read.problem}`);
    return read.value;
  }

  /** What the machine runs, seen without the agent. */
  async facts(): Promise<Facts> {
    return parseFacts(await this.sh(facts));
  }

  /** Calls back with every line that the agent writes from now on, until the answer is called. */
  follow(line: (text: string) => void): () => void {
    const [program, ...args] = enter(this.leader(), [
      "journalctl",
      "--follow",
      "--lines=0",
      "--output=cat",
      `--unit=${unit}`,
    ]);
    const child: ChildProcess = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"], detached: true });
    if (child.stdout !== null) createInterface({ input: child.stdout }).on("line", line);
    return () => {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        process.kill(-child.pid, "SIGKILL");
    };
  }
}
