/** `./scripts/local up`: from an existing engine and image (`scripts/setup`) to a running fleet. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { startDaemon } from "./daemon";
import { environment, type Pace } from "./environment";
import { project, type State } from "./paths";
import { seed } from "./repository";

const STACK = "local";
/** Seconds that the homes may take after the systems. */
const HOMES_SECONDS = 120;

const NEXT = `
What next:
  eval "$(./scripts/local env)"     plain pulumi, git and fleet now reach the local cloud
  ./scripts/local bump-lock         push a changed flake.lock
  pulumi up                         roll it out: the canary first, then the rest
  ./scripts/local ssh dev-alice     look around in a VM
  ./scripts/local down              end it; nothing stays behind`;

/** Starts the cloud, runs `pulumi up`, and shows the fleet once its homes are there. */
export async function up(state: State, pace?: Pace): Promise<void> {
  await seed(state);
  await startDaemon(state, await buildImage());
  const env = await environment(state, pace);
  mkdirSync(state.pulumi, { recursive: true });
  const run = execa({ cwd: project, env, stdio: "inherit" });
  await run`pulumi stack select --create ${STACK}`;
  await run`pulumi up --yes --skip-preview --stack ${STACK}`;
  await waitForHomes(env);
  await run`${fleet} status`;
  console.log(NEXT);
}

const fleet = join(project, "scripts/fleet");

/** The part of `fleet status --json` that this command reads. */
interface Status {
  vms: { name: string; state: string; homes: Record<string, object | null> }[];
}

/** Homes update right after their VM's system. A home that takes longer is named, and the command still succeeds. */
async function waitForHomes(env: Record<string, string>): Promise<void> {
  const end = Date.now() + HOMES_SECONDS * 1000;
  for (;;) {
    const { stdout } = await execa({ cwd: project, env })`${fleet} status --json`;
    const { vms } = JSON.parse(stdout) as Status;
    const waiting = vms
      .filter(({ state }) => state === "RUNNING")
      .flatMap(({ name, homes }) =>
        Object.entries(homes).flatMap(([user, report]) => (report === null ? [`${user} on ${name}`] : [])),
      );
    if (waiting.length === 0) return;
    if (Date.now() > end) {
      console.error(`no report within ${HOMES_SECONDS} s of these homes: ${waiting.join(", ")}`);
      return;
    }
    await sleep(1000);
  }
}

async function buildImage(): Promise<string> {
  const { stdout } = await execa({ stderr: "inherit" })`${join(project, "local/image/build")}`;
  if (!existsSync(stdout)) throw new Error(`local/image/build named ${stdout}, which is not there`);
  return stdout;
}
