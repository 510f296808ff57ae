/** Paths: the project, and the state of one local cloud. */
import { mkdirSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";

export const project = resolve(__dirname, "../..");

/** All files of one local cloud. Another directory is another cloud, and the two do not interact. */
export interface State {
  directory: string;
  daemonInfo: string;
  daemonLog: string;
  daemonPid: string;
  /** VM → the loopback port that reaches its port 22. */
  ssh: string;
  /** Base folder of the repositories behind `git://git.internal/`. */
  repositories: string;
  configRepository: string;
  /** The operator's clone of the config repository. */
  configClone: string;
  pulumi: string;
}

export function openState(wanted = process.env["NIXOS_FLEET_STATE"] ?? join(project, ".local")): State {
  mkdirSync(wanted, { recursive: true });
  const directory = realpathSync(wanted);
  const at = (...parts: string[]) => join(directory, ...parts);
  return {
    directory,
    daemonInfo: at("daemon.json"),
    daemonLog: at("daemon.log"),
    daemonPid: at("daemon.pid"),
    ssh: at("ssh.json"),
    repositories: at("git"),
    configRepository: at("git", "config.git"),
    configClone: at("config"),
    pulumi: at("pulumi"),
  };
}
