# Decides for a home. Everything comes as named arguments, texts as they are.
include "decide-home";
include "answer";
# Last: jq 1.8.2 aborts where a file is included before another one that includes it too (jqlang/jq 3597).
include "fleet";

($ARGS.named) as $arg
| $arg.contract[0] as $contract
| ($arg.state | remembered($contract)) as $state
| {
    user: $arg.user, homes: ($arg.homes | object(null)), $state, force: ($arg.force == "true"),
    settings: ($arg.settings | object({})),
    localHold: (if $arg.hold == "" then null else $arg.hold | object({}) end),
    wanted: (if $arg.wanted == "" then null else $arg.wanted end),
    head: $arg.head, right: $arg.right,
    descends: (if $arg.descends == null then null else $arg.descends == "true" end),
    drifted: ($arg.current != $state.deployed)
  }
| . as $in
| answer_to($in; decide;
    .settings.mirror = ($in.homes | at("mirror") // "")
    | .settings.machineRevision = ($in.homes | at("revision") // "")
    | .notes = [if $arg.state != "" and $state == {} then "the state file is not readable; going on without it" else empty end])
