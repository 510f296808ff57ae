/** `./scripts/local up`: everything from nothing to a fleet that runs. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { Listr } from "listr2";
import { startDaemon } from "./daemon";
import { engine, environment } from "./environment";
import { project, type State } from "./paths";
import { seed } from "./repository";

const STACK = "local";

/** Sets up what is missing, runs `pulumi up` and shows the fleet. */
export async function up(state: State): Promise<void> {
  let image = "";
  await new Listr(
    [
      { title: "Pulumi engine", task: () => engine() },
      {
        title: "Machine image",
        task: async () => {
          image = await buildImage();
        },
      },
      { title: "Config repository", task: () => seed(state) },
    ],
    // Both builds write to stderr, which a drawn list would garble.
    { concurrent: true, renderer: "simple" },
  ).run();
  await startDaemon(state, image);
  const env = await environment(state);
  mkdirSync(state.pulumi, { recursive: true });
  const run = execa({ cwd: project, env, stdio: "inherit" });
  await run`pulumi stack select --create ${STACK}`;
  await run`pulumi up --yes --stack ${STACK}`;
  await run`${join(project, "scripts/fleet")} status`;
}

async function buildImage(): Promise<string> {
  const { stdout } = await execa({ stderr: "inherit" })`${join(project, "local/image/build")}`;
  if (!existsSync(stdout)) throw new Error(`local/image/build named ${stdout}, which is not there`);
  return stdout;
}
