# Decides for a home. Everything comes as named arguments, texts as they are.
include "answer";
include "fleet";
include "decide-home";

($ARGS.named) as $arg
| ($arg.state | remembered) as $state
| {
    user: $arg.user, homes: ($arg.homes | object(null)), $state, force: ($arg.force == "true"),
    settings: ($arg.settings | object({})),
    localHold: (if $arg.hold == "" then null else $arg.hold | object({}) end),
    wanted: (if $arg.wanted == "" then null else $arg.wanted end),
    head: $arg.head,
    drifted: ($arg.current != $state.deployed)
  }
| . as $in
| answer_to($in; decide;
    .settings.mirror = ($in.homes | at("mirror") // "")
    | .settings.machineRevision = ($in.homes | at("revision") // "")
    | .notes = [if $arg.state != "" and $state == {} then "the state file is not readable; going on without it" else empty end])
