/**
 * Every kind of error with which the program, the tool, a gate or an agent ends: its code, cause and cure. A code never changes its
 * meaning. `fleet explain CODE` prints an entry, and `scripts/docs` writes all of them to docs/reference/errors.md. Pure.
 */
import type { Stage } from "./contract";

/** One kind of error. Each text is one line of Markdown, which `fleet explain` prints as it is. */
export interface ErrorKind {
  title: string;
  cause: string;
  cure: string;
}

export const errorKinds = {
  NF101: {
    title: "The stack's settings are not valid",
    cause:
      "A setting has a wrong value, an unknown key, or contradicts another one or what Google offers, or names something that does not answer. Nothing was changed.",
    cure: "Each line names the key, its value and what is right: correct `Pulumi.<stack>.yaml`. docs/reference/settings.md has every key.",
  },
  NF102: {
    title: "The update would replace a VM, stop it, or take a name that is in use",
    cause: "A changed setting cannot be applied to a VM or a disk as it is. Nothing was changed.",
    cure: "Revert the change, or allow it: the line names the setting, such as `nixos-fleet:replace` or `nixos-fleet:allowStopping`.",
  },
  NF103: {
    title: "The program cannot read the Google project",
    cause:
      "The identity that Pulumi uses has no right to read the project, or Google does not answer. Nothing was changed.",
    cure: "`fleet doctor` names the missing right. Log in with `gcloud auth application-default login`, or grant the role in docs/google.md.",
  },
  NF104: {
    title: "The rollout cannot be planned",
    cause:
      "The approvals, holds or overrides of the project do not fit the waves of the stack, or they cannot be read. Nothing was changed.",
    cure: "The line names the wave and the command that frees it, such as `fleet resume --wave WAVE` or `fleet retry REVISION`. Only if it says that the control item is not readable: `fleet resume --all` replaces the item, and its holds, pins and rollbacks are lost.",
  },
  NF105: {
    title: "Who may log in was not changed",
    cause:
      "Google refused the change in an earlier run, for instance because a member does not exist. Pulumi's state has the new members all the same, and a plain `pulumi up` would take them for granted. Everyone has the access that they had.",
    cure: "Correct the settings and run `pulumi up`. If they are right, run `pulumi up --refresh`, which reads what Google has and sends the change again.",
  },
  NF201: {
    title: "The command line of the tool is not valid",
    cause: "A command, an option or a value is unknown, missing or malformed. Nothing was changed; the exit code is 2.",
    cure: "The line says what is right. `fleet COMMAND --help` lists the options.",
  },
  NF202: {
    title: "Google does not answer",
    cause: "The network, a proxy or the service is down, or a quota is used up for the moment.",
    cure: "Try again in a minute. If the line says that a change may have been made, `fleet status` shows whether it was. `fleet doctor` checks the connection to Google.",
  },
  NF203: {
    title: "Your credentials for Google are missing or do not work",
    cause:
      "There are no credentials, they have expired, they may not act as the named service account, or a file that names them cannot be read.",
    cure: "Run `gcloud auth application-default login`, or set `GOOGLE_APPLICATION_CREDENTIALS` to a key's file. A token in `GOOGLE_OAUTH_ACCESS_TOKEN` or `gcp:accessToken` takes precedence over both and ends after an hour: renew or remove it.",
  },
  NF204: {
    title: "Google refuses the request",
    cause:
      "A right is missing, the project or resource does not exist, or an operation failed; the line has Google's own words.",
    cure: "`fleet doctor` checks project and rights. docs/google.md lists the roles.",
  },
  NF205: {
    title: "The config repository cannot be read",
    cause: "It does not answer, refuses your key, or does not have the branch or commit.",
    cure: "Check the URL and your key with `git ls-remote URL`. If you reach it at another URL than the VMs, give `--resolve-from`.",
  },
  NF206: {
    title: "The clone of the config repository is not in the right state",
    cause:
      "The directory is not a clone, has changes that are not committed, is on no branch, or differs from the remote branch.",
    cure: "The line says which: commit, pull or push, or name another clone with `--clone`.",
  },
  NF207: {
    title: "A program that the tool runs is missing or failed",
    cause: "git, nix, pulumi or gcloud is not on PATH, or it ended with an error; the line has its message.",
    cure: "Install it, or run the named command by hand to see all of its output. `fleet doctor` checks the programs.",
  },
  NF208: {
    title: "The control item is not valid",
    cause: "Someone edited the project's metadata by hand. VMs treat an item that they cannot read as a hold.",
    cure: "Correct it by hand, or write a new one with `fleet resume --all`; holds, pins and overrides in it are lost.",
  },
  NF209: {
    title: "The fleet is not in the right state for this command",
    cause: "No such fleet, VM, approval or hold exists now, or the VM is stopped. Nothing was changed.",
    cure: "The line says what is missing; `fleet status` shows the fleet's current state.",
  },
  NF210: {
    title: "You did not confirm",
    cause: "You answered no to the question. Nothing was changed.",
    cure: "Run the command again and answer yes, or give `--yes`.",
  },
  NF211: {
    title: "A file or port of this machine cannot be used",
    cause: "A folder is not there or not writable, a disk is full, or another program listens on the port.",
    cure: "The line names the file or port: free it, or name another one.",
  },
  NF212: {
    title: "The flake lacks the host or image to build",
    cause: "The commit has no such `nixosConfigurations` attribute, or its build has no image or store path.",
    cure: "Compare the VM's `host` with `nix flake show`, and name the right one.",
  },
  NF299: {
    title: "Internal error of the tool",
    cause: "Something happened that the tool does not expect.",
    cure: "Run the command again with `NIXOS_FLEET_DEBUG=1` and report the output.",
  },
  NF301: {
    title: "A wave failed",
    cause:
      "More of its VMs failed than `maxFailures` allows, or did not answer in time. They run what they ran before; later waves are not approved.",
    cure: "The table names the VMs and their errors. Push a fix and run `pulumi up`; if the revision is not the cause, run `fleet retry REVISION` first.",
  },
  NF302: {
    title: "Nothing proved the revision",
    cause:
      "Too few VMs of the wave could try it: they are stopped, held, or outside their window. Nothing is held; later waves are not approved. After a rollback: VMs that are held still run the revision.",
    cure: "Start a VM of the wave, or end its hold with `fleet resume`, and run `pulumi up`.",
  },
  NF303: {
    title: "The gate gave up, because Google did not answer in time",
    cause: "The Compute API did not answer during the wave's whole timeout. Nothing was held.",
    cure: "Run `pulumi up` again: it continues where it stopped.",
  },
  NF304: {
    title: "The gate was interrupted",
    cause:
      "Someone pressed Ctrl-C, or the `pulumi` that ran it ended. Nothing was rolled back; later waves are not approved.",
    cure: "Run `pulumi up` again: it continues where it stopped.",
  },
  NF305: {
    title: "The wave's approval was not written",
    cause:
      "Google refused to write an approval in this or an earlier run. Pulumi's state has the new value all the same, so `pulumi up` does not write it again.",
    cure: "Run `pulumi refresh`, which reads the present approval, and then `pulumi up`.",
  },
  NF306: {
    title: "A wave was not approved, because of something that happened during the rollout",
    cause:
      "Since `pulumi up` began, someone held the wave or one before it, or the revision was rolled back or held in a wave before it; or whether that is so cannot be read. Or `pulumi up --target` left out a gate before it, which has not passed the revision. Earlier waves keep what they have.",
    cure: "`fleet status` shows holds and rollbacks. After `fleet resume`, or `fleet retry REVISION`, or with something newer, run `pulumi up`.",
  },
  NF401: {
    title: "The command line of an agent is not valid",
    cause:
      "A command or option is unknown, or the command must be run as root. Nothing was changed; the exit code is 2.",
    cure: "The line says what is right. `nixos-auto-update help` and `nixos-hm-auto-update help` list the commands.",
  },
  NF402: {
    title: "Another update did not end",
    cause: "A second update waited for the first one until its own time limit.",
    cure: "`nixos-auto-update status` says what the first update is doing. Wait, or stop it with `systemctl stop nixos-auto-update`.",
  },
  NF403: {
    title: "An update ended without a result",
    cause: "Most likely the VM has no memory or disk space left.",
    cure: "`journalctl -u nixos-auto-update` has the details. The VM retries by itself.",
  },
  NF404: {
    title: "An interrupted update has to be finished first",
    cause: "The VM was reset or the update was killed while it switched.",
    cure: "Run `sudo nixos-auto-update run`, or `nixos-hm-auto-update run` for a home, and repeat the command.",
  },
  NF405: {
    title: "A hold on the VM cannot be written",
    cause: "The disk is full or read-only.",
    cure: "Free space, or ask the infra team to hold the VM from outside: `fleet hold --vm VM`.",
  },
  NF406: {
    title: "The agent does not work on this VM",
    cause:
      "Its Node is too old, its state cannot be read, it cannot start a program, or a `window` of the new system cannot be read.",
    cure: "The line says which. The VM keeps the agent that it has; push a revision with complete modules, and with a time zone that exists.",
  },
  NF407: {
    title: "The update's service does not start",
    cause: "systemd refuses `nixos-auto-update.service`.",
    cure: "`systemctl status nixos-auto-update` on the VM says why.",
  },
  NF408: {
    title: "Nothing is approved for this VM",
    cause: "The VM is not in a wave, or its wave has no approval yet. Nothing was changed.",
    cure: "Put the VM into a wave and run `pulumi up`; `fleet status` shows what is approved.",
  },
  NF411: {
    title: "An update failed at fetch",
    cause:
      "The repository or the network does not answer, the key was refused, the branch does not exist, or no branch contains the revision.",
    cure: "The VM retries by itself. For a key: `pulumi config set --secret nixos-fleet:deployKey`, then `pulumi up`.",
  },
  NF412: {
    title: "An update failed at verify",
    cause:
      "The commit is not signed by a known signer, does not descend from what runs, or would leave the VM without a working agent.",
    cure: "Sign every commit since the deployed one and push. After an intended rewrite of history, also run `pulumi up`: an approved revision may be anywhere in the history.",
  },
  NF413: {
    title: "An update failed at build",
    cause:
      "The configuration does not evaluate or build, or the disk is full. A VM refuses a revision that cannot be built until it changes.",
    cure: "`nixos-auto-update status` has the builder's last lines. Push a fix; free space if the disk is full.",
  },
  NF414: {
    title: "An update failed at switch",
    cause: "The new system or home could not be activated. The VM went back to what it ran before.",
    cure: "`nixos-auto-update status`, or `nixos-hm-auto-update status` for a home, has the reason. Push a fix. If the revision was not the cause: `nixos-hm-auto-update run` for a home, and for a machine ask the infra team to run `fleet retry REVISION`.",
  },
  NF415: {
    title: "An update failed at health",
    cause:
      "A unit, a health check or the way to the repository failed after the switch. The VM went back to what it ran before.",
    cure: "The error names the unit or check. Push a fix, or `fleet rollback`.",
  },
  NF416: {
    title: "A failed update could not be rolled back",
    cause:
      "The previous revision could not be activated either, or its store path is gone. The VM may run parts of both.",
    cure: "Log in and read `journalctl -u nixos-auto-update`. Reboot into the previous generation, then `sudo nixos-auto-update run`.",
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorKinds;

/** The code of an update's failure, by the stage that its report names. */
export const stageCodes: Readonly<Record<Stage, ErrorCode>> = {
  fetch: "NF411",
  verify: "NF412",
  build: "NF413",
  switch: "NF414",
  health: "NF415",
};

/** An error's line with its code. */
export function withCode(line: string, code: ErrorCode): string {
  return `${line} [${code}]`;
}
