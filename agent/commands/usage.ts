/** What each program says of itself. */
import type { Program } from "../log";

const both = `    --revision REV      go to this revision (40 digits); the next run goes where it should go again, unless held
    --by WHO            who asks, for the journal
    --once              do not try again by itself where only the network was missing`;

export const usage: Record<Program, string> = {
  "nixos-auto-update": `usage: nixos-auto-update COMMAND
  status [--json]     what runs, what an update does now, and how the last one went
  check               what an update would do now, and how the closure would change; changes nothing
  run [OPTION…]       update now, if there is anything to update to
    --force             try a refused revision again
${both}
    --trigger WHAT      boot, schedule, watch, ssh or manual
  trigger [OPTION…]   have the service update, and wait; takes --trigger and --by
  hold [WHY…]         no updates, until resume
  resume              end the hold, and update
  log [ARGUMENT…]     the journal of all runs; arguments are journalctl's
  publish USER        publish the report of a user's home (a service)
  serve [USER]        start a home, or those that a first login has made (a service)
  reboot              reboot, if an update needs it and it is allowed now (a service)
  watch               wait for approvals, and trigger (a service)
  look                look once at what the watcher waits for (a service)
  bootstrap           update until something is deployed (the first boot)
  self-test           whether this agent works here; changes nothing
`,
  "nixos-hm-auto-update": `usage: nixos-hm-auto-update COMMAND
  status [--json]     what runs, what an update does now, and how the last one went
  check               what an update would do now, and how the closure would change; changes nothing
  run [OPTION…]       update this home now, if there is anything to update to
    --force             try a refused revision again, and go on over a clone with work that is not pushed
${both}
  hold [WHY…]         no updates, until resume
  resume              end the hold, and update
  log [ARGUMENT…]     the journal of all runs; arguments are journalctl's
  self-test           whether this agent works here; changes nothing
`,
};
