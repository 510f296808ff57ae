/** Both agents' commands: `main PROGRAM COMMAND [ARGUMENT…]`. A command loads only the modules that it needs. */
import { Exit, log, programName, type Program } from "./host/log";
import { withCode } from "../rules/error-codes";
import { own } from "../rules/text/json";
import { readOptions, takesNothing } from "./options";
import { check } from "./commands/check";
import { hold, resume } from "./commands/hold";
import { showLog } from "./commands/log";
import { forwardSignals } from "./host/process";
import { type Command, usage, usageText } from "./commands/usage";
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
  const known = usage[program].commands.find(({ name }) => name === command);
  const action = own(actions[program], command);
  if (known === undefined || action === undefined) return showUsage(program, process.stderr, 2);
  if (known.args === undefined) takesNothing(command, words);
  refuseUser(program, known);
  return action(words);
}

function showUsage(program: Program, stream: NodeJS.WriteStream, status: number): number {
  stream.write(usageText(program));
  return status;
}

/** @throws Exit if this user may not run the command */
function refuseUser(program: Program, { name, anyUser, instead }: Command): void {
  const root = process.geteuid?.() === 0;
  if (program === "nixos-hm-auto-update") {
    if (root) throw new Exit(2, "this updates the home of a user; root has none");
    return;
  }
  if (root || anyUser === true) return;
  const sudo = `${name}: must be run as root (sudo ${programName()} ${name})`;
  throw new Exit(2, instead === undefined ? sudo : `${sudo}; without root: ${instead}`);
}

type Action = (words: readonly string[]) => Promise<number>;

/** The commands of the usage. */
const actions: Record<Program, Record<string, Action>> = {
  "nixos-auto-update": {
    run: ofSystem((driver, words) => runSystem(driver, readOptions("nixos-auto-update", "run", words))),
    trigger: ofSystem((driver, words) => trigger(driver, readOptions("nixos-auto-update", "trigger", words))),
    status: ofSystem((driver, words) => showStatus(driver, wantsJson(words))),
    check: ofSystem(check),
    hold: ofSystem(hold),
    resume: ofSystem(resume),
    log: ofSystem(showLog),
    publish: ofSystem((driver, words) => publishHome(driver, onlyUser(words), moduleSettings()["metricsDirectory"])),
    serve: async ([user]) => {
      await (user === undefined ? serveFirstLogins() : serveHome(user));
      return 0;
    },
    reboot: ofSystem(reboot),
    look: ofSystem(look),
    watch: () => Promise.reject(new Exit(2, "watch: the installed program has a script for this")),
    bootstrap: ofSystem(bootstrap),
    "self-test": selfTest,
  },
  "nixos-hm-auto-update": {
    run: ofHome((driver, words) => runHome(driver, readOptions("nixos-hm-auto-update", "run", words))),
    status: ofHome((driver, words) => showStatus(driver, wantsJson(words))),
    check: ofHome(check),
    hold: ofHome(hold),
    resume: ofHome(resume),
    log: ofHome(showLog),
    "self-test": ofHome(selfTestOfHome),
  },
};

function ofSystem(action: (driver: SystemDriver, words: readonly string[]) => Promise<number>): Action {
  return async (words) => {
    const driver = new SystemDriver();
    try {
      return await action(driver, words);
    } finally {
      driver.metadata.close();
    }
  };
}

function ofHome(action: (driver: HomeDriver, words: readonly string[]) => Promise<number>): Action {
  return (words) => {
    const driver = new HomeDriver();
    driver.prepare();
    return action(driver, words);
  };
}

function onlyUser([user, ...more]: readonly string[]): string {
  if (user === undefined || more.length > 0) throw new Exit(2, "publish: expects a user's name");
  return user;
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
