# What the system's agent does now: a pure function of what is known. `rules/decide-system.ts` decides the same.
#
# in:  { contract, vm, wanted?, metadata: present|away|none, instance: text|null, attributes: { key: text }, joined, settings, state,
#        localHold, right: head|approved, drifted, force, head?, descends? }
#      `wanted` is a revision that a person named, `settings` are the module's, `state` is the agent's own state file, `drifted`
#      says that the machine runs something else than what the agent deployed, `joined` that it once had an item of its own. `right` says
#      whether this run may go to the branch's head. `head` and `descends` (whether the deployed revision descends from the approved one)
#      cost something, so they are left out until an answer asks for them.
# out: { action: stay|update|wait, outcome, reason, stage?, error?, rolledBack?, needHead?, needDescent?, passes?, idle?, target?,
#        approved?, settings, retry, notes }
#      wait: nothing is deployed yet, and there is nothing to deploy yet. passes: what is in the way goes by itself. idle: this run may
#      only go where something is approved, and nothing is.
include "fleet";

def nothing($deployed; $reason): stay("deferred"; $reason) | if $deployed == null then .action = "wait" else . end;

def settled($in; $instance):
  { branch: "main", directory: "/etc/nixos", host: ($in.vm // $in.hostname), follow: "branch", homes: [] }
  + ($in.settings // {} | with_entries(select(.value != null)))
  + ($instance // {} | with_entries(select(.value != null)))
  # Each user has one home: the first that is listed.
  | .homes |= reduce .[] as $home ([]; if any(.[]; .user == $home.user) then . else . + [$home] end);

# How the source that an approval names differs from the VM's; null where it does not, or does not say.
def other_source($own; $settings):
  if $own.repository != null and $settings.repository != null and $own.repository != $settings.repository then
    "the approval is for \($own.repository), and this VM's metadata still says \($settings.repository)"
  elif $own.branch != null and $own.branch != $settings.branch then
    "the approval is for branch \($own.branch), and this VM's metadata still says \($settings.branch)"
  else null end;

# What the wave's approval comes to: itself, what undid it, or the branch's head.
def approved_target($own; $undone; $bound; $settings; $state):
  if $undone == "previous" and ($state.revision | revision) != $own.revision then
    { revision: $state.revision, why: "\($own.revision | short) is undone" }
  elif $undone == "previous" then
    { revision: $state.previous, why: "\($own.revision | short) is undone, back to the revision before" }
  elif $undone != null then
    { revision: $undone, why: "\($own.revision | short) is undone" }
  elif other_source($own; $settings) != null then { waits: other_source($own; $settings) }
  elif $bound or $own.revision != $state.approved then
    { revision: $own.revision, lock: $own.lock, manifest: $own.manifest, why: "wave \($settings.wave) approved \($own.revision | short)",
      isApproval: true }
  else { head: true }
  end;

def target($in; $settings; $own; $approvals; $control):
  ($in.state // {}) as $state
  | ($control.pins | at($in.vm)) as $pin
  | ($settings.follow == "approved" or $in.right == "approved" or ($approvals | rollout_open)) as $bound
  | if $in.wanted != null then { revision: $in.wanted, why: "asked for \($in.wanted | short)" }
    elif $pin != null then { revision: $pin, why: "pinned to \($pin | tostring | short)" }
    elif $settings.wave == null and $settings.follow == "approved" then
      { none: "follows approvals, but belongs to no wave that could be approved" }
    elif $settings.wave == null and $in.right == "approved" then { idle: "nothing is approved for a VM without a wave" }
    elif $settings.wave == null then { head: true }
    elif $own == null then { none: "wave \($settings.wave) is not approved for any revision" }
    else approved_target($own; $control.instead | at($settings.wave) | at($own.revision); $bound; $settings; $state)
    end
  | if .head and $in.head then
      { revision: $in.head, why: "branch \($settings.branch) is at \($in.head | short)", isBranch: true }
    else . end
  | if .none or .idle or .waits or .head or (.revision | revision) != null then . else { none: "no revision to go to: \(.why)" } end;

# What is built, and as what.
def origin($settings): { repository: $settings.repository, attribute: $settings.host };

# From a revision to what is done about it.
def act($in; $target; $settings; $own; $retry):
  ($in.state // {}) as $state
  | ($state.revision | revision) as $deployed
  | origin($settings) as $origin
  | refusal_of($state; $target.revision; $origin; $in.force; $retry) as $refused
  | origin_change($state; $origin) as $change
  | if $deployed == $target.revision and ($in.drifted | not) and $change == null then
      stay("unchanged"; "\($target.why); running it")
    elif $refused != null then refuse($target.why; $refused)
    else
      { action: "update", outcome: "updated",
        reason: "\($target.why); \($change // if $deployed == null then "nothing deployed" else "deployed \($deployed | short)" end)" }
    end
  | .target = { revision: $target.revision, lock: $target.lock, manifest: $target.manifest,
      # Approved explicitly: it may be anywhere in the history. The branch's head may not.
      explicit: (($target.isBranch | not) or $target.revision == ($own | at("revision"))
        or moves_in($state; $settings.repository)) };

# An approval that is not new never moves a VM back from one of its descendants.
def hold_ahead($in; $target):
  ($in.state // {}) as $state
  | ($state.revision | revision) as $deployed
  | if ($target.isApproval and $deployed != null and $deployed != $target.revision and $state.approved == $target.revision) | not
    then $target
    elif $in.descends == true then { revision: $deployed, why: "\($target.why); ahead of it" }
    elif $in.descends == false then $target
    else { needDescent: $target.revision, why: $target.why }
    end;

def decided($in; $settings; $own; $approvals; $control):
  target($in; $settings; $own; $approvals; $control)
  | hold_ahead($in; .) as $target
  | if $target.none then nothing($in.state | at("revision") | revision; $target.none)
    elif $target.idle then
      nothing($in.state | at("revision") | revision; $target.idle) + { idle: true }
      | if .action == "stay" then .outcome = "unchanged" else . end
    elif $target.waits then nothing($in.state | at("revision") | revision; $target.waits) + { passes: true, waiting: "metadata" }
    elif $target.head then stay("deferred"; "branch \($settings.branch) is not known") + { needHead: true }
    elif $target.needDescent then stay("unchanged"; $target.why) + { needDescent: $target.needDescent }
    else act($in; $target; $settings; $own; $control.retry)
    end
  # What waits for the VM's metadata has not been acted on.
  | if .waiting then . else .approved = ($own | at("revision")) end;

# What is approved for homes with a repository of their own: `approved` where only an approval may move one, empty where there is none;
# `approval` always, where there is one.
def with_home_approvals($own; $approvals):
  . as $settings
  | ($approvals | rollout_open) as $open
  | .homes |= map(
      if .repository == null or $settings.wave == null then .
      else
        "\(.repository)#\(.branch // "main")" as $key
        | ([$approvals[] | at("homes") | at($key) | at("revision") | values] | unique | length > 1) as $differ
        | ($own | at("homes") | at($key)) as $approval
        | if $settings.follow == "approved" or $open or $differ then .approved = ($approval // {}) else . end
        | if $approval == null then . else .approval = $approval end
      end);

def decide:
  . as $in
  | (.instance | instance($in.contract)) as $instance
  | settled($in; $instance) as $settings
  | ($in.attributes // {}) as $attributes
  | (if $instance == null then {} else $attributes | approvals($in.contract; $instance) end) as $approvals
  | (if $instance == null then { holds: [], pins: {}, instead: {}, retry: [] }
     else $attributes | control($in.contract; $instance) end) as $control
  | ($approvals | at($settings.wave)) as $own
  | ($in.state | at("revision") | revision) as $deployed
  | (if $in.localHold != null then held($in.localHold)
     elif $in.metadata == "away" or ($in.instance != null and $instance == null) then
       nothing($deployed; "the metadata server does not say what this VM needs to know") + { passes: true, waiting: "metadata" }
     elif $in.joined and $instance == null and ($in.force | not) and $in.wanted == null then
       nothing($deployed; "this VM has left its fleet: it has no metadata item any more; run --force goes by its module's settings")
     elif $control == null then held({ by: "itself", why: "the control item is not readable" })
     else
       ($control | holds_on($in.vm; $settings.wave; $own | at("revision"))) as $holds
       | refusal_of($in.state // {}; $own | at("revision"); origin($settings); $in.force; $control.retry) as $refused
       | if $holds == [] then decided($in; $settings; $own; $approvals; $control)
         # A gate's hold is about the failure, and that is what the report still has to say.
         elif $refused != null and all($holds[]; .revision != null) then refuse(held($holds[0] | { by }).reason; $refused)
         else held($holds | map(select(.revision == null)) + . | first) end
     end)
  | .approved //= ($in.state | at("approved"))
  | .settings = ($settings | with_home_approvals($own; $approvals))
  | .retry = ($control | at("retry") // [])
  | .notes = [
      ($in.settings // {} | to_entries)[]
      | .key as $key
      | ($instance | at($key)) as $told
      | select(.value != null and $told != null and $told != .value)
      | "\($key): the instance metadata says \($told), the module \(.value); the metadata counts"
    ];
