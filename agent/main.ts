/** Both agents' commands: `main PROGRAM COMMAND [ARGUMENT…]`. A command loads only the modules that it needs. */
import { Exit, log, programName, type Program } from "./host/log";
import { withCode } from "../rules/error-codes";
import { noOptions, readOptions, takesNothing, type RunOptions } from "./options";
import { check } from "./commands/check";
import { hold, resume } from "./commands/hold";
import { showLog } from "./commands/log";
import { forwardSignals } from "./host/process";
import { hasCommand, usageText } from "./commands/usage";
import { SystemDriver } from "./system/system";
import { moduleSettings } from "./system/system-place";
import { serveFirstLogins, serveHome } from "./home/homes";
import { HomeDriver } from "./home/home";
import { selfTest, selfTestOfHome } from "./commands/self-test";
import { reboot } from "./commands/reboot";
import { runSystem } from "./commands/run-system";
import { trigger } from "./commands/trigger";
import { publishHome } from "./commands/publish";
import { look } from "./commands/look";
import { bootstrap } from "./commands/bootstrap";
import { showStatus } from "./commands/status";
import { runHome } from "./commands/run-home";

/** Commands that anyone may run. */
const open = new Set(["status", "log", "self-test"]);

/** What a developer without root may run instead of a command. */
const instead: Record<string, string> = {
  check: "status says what runs, and how the last update went",
  run: "status says how the last update went; nixos-hm-auto-update run updates your own home",
  hold: "nixos-hm-auto-update hold keeps your own home as it is",
  resume: "nixos-hm-auto-update resume lets your own home go on",
  trigger: "status says how the last update went",
};

async function main(): Promise<number> {
  // Everyone may read the files that these commands write. Secrets are written with a mode of their own.
  process.umask(0o022);
  process.stderr.on("error", () => undefined);
  process.stdout.on("error", () => undefined);
  forwardSignals();
  const [program = "", command = "", ...words] = process.argv.slice(2);
  if (program !== "nixos-auto-update" && program !== "nixos-hm-auto-update")
    throw new Exit(2, "the first argument must be nixos-auto-update or nixos-hm-auto-update");
  if (["-h", "--help", "help"].includes(command)) return showUsage(program, process.stdout, 0);
  const status = program === "nixos-auto-update" ? await ofSystem(command, words) : await ofHome(command, words);
  return status ?? showUsage(program, process.stderr, 2);
}

function showUsage(program: Program, stream: NodeJS.WriteStream, status: number): number {
  stream.write(usageText(program));
  return status;
}

/** @returns `undefined` if there is no such command */
async function ofSystem(command: string, words: readonly string[]): Promise<number | undefined> {
  if (!hasCommand("nixos-auto-update", command)) return undefined;
  const options =
    command === "run" || command === "trigger" ? readOptions("nixos-auto-update", command, words) : undefined;
  if (["check", "resume", "reboot", "watch", "look", "bootstrap", "self-test"].includes(command))
    takesNothing(command, words);
  if (!open.has(command) && process.geteuid?.() !== 0) throw new Exit(2, needsRoot(command));
  if (command === "self-test") return selfTest();
  const driver = new SystemDriver();
  try {
    return await runSystemCommand(driver, command, words, options);
  } finally {
    driver.metadata.close();
  }
}

function needsRoot(command: string): string {
  const hint = instead[command];
  const sudo = `${command}: must be run as root (sudo ${programName()} ${command})`;
  return hint === undefined ? sudo : `${sudo}; without root: ${hint}`;
}

async function runSystemCommand(
  driver: SystemDriver,
  command: string,
  words: readonly string[],
  options: RunOptions | undefined,
): Promise<number> {
  switch (command) {
    case "run":
      return runSystem(driver, options ?? noOptions);
    case "trigger":
      return trigger(driver, options ?? {});
    case "publish": {
      const [user, ...more] = words;
      if (user === undefined || more.length > 0) throw new Exit(2, "publish: expects a user's name");
      return publishHome(driver, user, moduleSettings()["metricsDirectory"]);
    }
    case "serve": {
      await (words[0] === undefined ? serveFirstLogins() : serveHome(words[0]));
      return 0;
    }
    case "look":
      return look(driver);
    case "watch":
      throw new Exit(2, "watch: the installed program has a script for this");
    case "bootstrap":
      return bootstrap(driver);
    case "reboot":
      return reboot(driver);
    case "status":
      return showStatus(driver, wantsJson(words));
  }
  if (command === "check") return check(driver);
  if (command === "hold") return hold(driver, words);
  return command === "resume" ? resume(driver) : showLog(driver, words);
}

async function ofHome(command: string, words: readonly string[]): Promise<number | undefined> {
  if (!hasCommand("nixos-hm-auto-update", command)) return undefined;
  const options = command === "run" ? readOptions("nixos-hm-auto-update", command, words) : undefined;
  if (["check", "resume", "self-test"].includes(command)) takesNothing(command, words);
  if (process.geteuid?.() === 0) throw new Exit(2, "this updates the home of a user; root has none");
  const driver = new HomeDriver();
  driver.prepare();
  if (command === "run") return runHome(driver, options ?? noOptions);
  if (command === "status") return showStatus(driver, wantsJson(words));
  if (command === "check") return check(driver);
  if (command === "hold") return hold(driver, words);
  if (command === "resume") return resume(driver);
  if (command === "log") return showLog(driver, words);
  return selfTestOfHome(driver);
}

function wantsJson(words: readonly string[]): boolean {
  if (words.length > 1 || (words.length === 1 && words[0] !== "--json"))
    throw new Exit(2, "status: takes no argument but --json");
  return words.length === 1;
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    if (!(error instanceof Exit)) log(error instanceof Error ? (error.stack ?? error.message) : String(error));
    else if (error.message !== "") log(error.status !== 1 ? error.message : withCode(error.message, error.code));
    process.exit(error instanceof Exit ? error.status : 1);
  },
);
