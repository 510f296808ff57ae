/** The git server that the machines fetch from, in the cloud's network. */
import { mkdir } from "node:fs/promises";
import type { Network } from "./machines/driver";

/** Milliseconds before an ended server is started again. */
const AGAIN = 1000;

/** Serves all repositories below a directory, read-only, until this process ends. */
export async function serveGit(network: Pick<Network, "spawnInside">, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const start = (): void => {
    // It listens on all addresses of the namespace, because the gateways come and go with the subnetworks.
    const options = [`--base-path=${directory}`, "--export-all", "--reuseaddr", "--informative-errors"];
    const child = network.spawnInside(["git", "daemon", ...options, directory]);
    child.once("error", (error) => console.error("git daemon:", error.message));
    child.once("exit", () => setTimeout(start, AGAIN));
  };
  start();
}
