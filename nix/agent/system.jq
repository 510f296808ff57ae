# Decides for the system. Standard input: the metadata server's answers, or nothing; the rest as named arguments, texts as they are.
include "answer";
include "decide";
include "metadata";
# Last: see home.jq.
include "fleet";

($ARGS.named) as $arg
| $arg.contract[0] as $contract
| (told($contract)) as $told
| ($arg.state | remembered($contract)) as $state
| ($arg.trial | object(null)) as $trial
| {
    contract: $contract, hostname: $arg.hostname, vm: null, instance: null, attributes: {},
    # Whatever a server answered, it is there.
    metadata: (if $told != null then "present" elif $arg.google == "true" or $arg.joined == "true" or test("\\S") then "away" else "none" end),
    joined: ($arg.joined == "true"), right: $arg.right,
    settings: ($arg.settings | object({})), $state, force: ($arg.force == "true"),
    # A hold that cannot be read is a hold.
    localHold: (if $arg.hold == "" then null else $arg.hold | object({}) end),
    wanted: (if $arg.wanted == "" then null else $arg.wanted end),
    head: $arg.head,
    descends: (if $arg.descends == null then null else $arg.descends == "true" end),
    # What waits for a reboot is deployed when the profile has it.
    drifted: ($arg.profile != $state.deployed or
      ($arg.current != $state.deployed and ($trial.mode != "boot" or $trial.path != $state.deployed or $trial.boot != $arg.boot)))
  }
  + ($told // {})
| answer_to(.; decide;
    .notes += [if $arg.state != "" and $state == {} then "the state file is not readable; going on without it" else empty end])
