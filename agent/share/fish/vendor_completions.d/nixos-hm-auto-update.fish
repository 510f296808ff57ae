# Made by ./scripts/docs from agent/commands/usage.ts.
complete -c nixos-hm-auto-update -f
complete -c nixos-hm-auto-update -n __fish_use_subcommand -a status -d 'what runs, what an update does now, and how the last one went'
complete -c nixos-hm-auto-update -n __fish_use_subcommand -a check -d 'what an update would do now, and how the closure would change; changes nothing'
complete -c nixos-hm-auto-update -n __fish_use_subcommand -a run -d 'update this home now, if there is anything to update to'
complete -c nixos-hm-auto-update -n __fish_use_subcommand -a hold -d 'no updates, until resume'
complete -c nixos-hm-auto-update -n __fish_use_subcommand -a resume -d 'end the hold, and update'
complete -c nixos-hm-auto-update -n __fish_use_subcommand -a log -d 'the journal of all runs; arguments are journalctl\'s'
complete -c nixos-hm-auto-update -n __fish_use_subcommand -a self-test -d 'whether this agent works here; changes nothing'
complete -c nixos-hm-auto-update -n '__fish_seen_subcommand_from status' -l json -d 'the same for programs'
complete -c nixos-hm-auto-update -n '__fish_seen_subcommand_from run' -l force -d 'try a refused revision again, and go on over a clone with work that is not pushed'
complete -c nixos-hm-auto-update -n '__fish_seen_subcommand_from run' -l revision -x -a '' -d 'go to this revision (40 digits); the next run goes where it should go again, unless held'
complete -c nixos-hm-auto-update -n '__fish_seen_subcommand_from run' -l by -x -a '' -d 'who asks, for the journal'
complete -c nixos-hm-auto-update -n '__fish_seen_subcommand_from run' -l once -d 'do not try again by itself where only the network was missing'
