# Made by ./scripts/docs from agent/commands/usage.ts.
complete -c nixos-hm-auto-update -f
complete -c nixos-hm-auto-update -n __fish_use_subcommand -a status -d 'show what runs, what an update does now, and how the last one ended'
complete -c nixos-hm-auto-update -n __fish_use_subcommand -a check -d 'show what an update would do now and how the closure would change; changes nothing'
complete -c nixos-hm-auto-update -n __fish_use_subcommand -a run -d 'update this home now, if there is something new; tries again what failed'
complete -c nixos-hm-auto-update -n __fish_use_subcommand -a hold -d 'stop updates until resume'
complete -c nixos-hm-auto-update -n __fish_use_subcommand -a resume -d 'end the hold, and update'
complete -c nixos-hm-auto-update -n __fish_use_subcommand -a log -d 'show the journal of all runs; takes arguments of journalctl'
complete -c nixos-hm-auto-update -n __fish_use_subcommand -a self-test -d 'check that this agent works here; changes nothing'
complete -c nixos-hm-auto-update -n '__fish_seen_subcommand_from status' -l json -d 'print JSON'
complete -c nixos-hm-auto-update -n '__fish_seen_subcommand_from run' -l force -d 'update in spite of work that is not pushed'
complete -c nixos-hm-auto-update -n '__fish_seen_subcommand_from run' -l revision -x -a '' -d 'update to this revision (40 digits); the next run returns to the desired one, unless held'
complete -c nixos-hm-auto-update -n '__fish_seen_subcommand_from run' -l by -x -a '' -d 'who requests the update, for the journal'
complete -c nixos-hm-auto-update -n '__fish_seen_subcommand_from run' -l once -d 'do not retry automatically if only the network was unreachable'
