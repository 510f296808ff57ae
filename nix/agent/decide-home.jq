# What a home's agent does now: a pure function of what is known.
#
# in:  { user, homes: object|null, settings, state, localHold, right: head|approved, drifted, force, wanted?, head?, descends? }
#      `homes` is what root wrote after the machine's last good update. A home without a repository of its own runs the
#      machine's revision; one with its own runs its branch's head, or what is approved for it where root says so or this run may not
#      go to the head.
# out: as decide.jq's, where `settings` is { attribute, repository?, branch }
include "fleet";

def settled($in):
  ([$in.homes | at("homes") // [] | .[] | select(.user == $in.user)][0] // {} | del(.user) | with_entries(select(.value != null))) as $entry
  | { attribute: $in.user, branch: "main" }
  # Whoever is handed a key has to know whom to show it to, before there is a home that says so.
  + (if $entry.deployKeySecret and ($in.homes | at("knownHosts") // "" | . != "") then $in.homes | { knownHosts } else {} end)
  + ($in.settings // {} | with_entries(select(.value != null)))
  + $entry;

# A run that may not go to the branch's head goes to what is approved, but never back to it from a descendant.
def approved_only($in; $settings):
  ($in.state // {} | .revision | revision) as $deployed
  | $settings.approval as $approval
  | if $approval == null then
      { idle: "goes to branch \($settings.branch) at the next boot, on its schedule or on a person's run" }
    elif $deployed == null or $deployed == $approval.revision or $in.descends == false then
      { revision: $approval.revision, lock: $approval.lock, explicit: true, why: "\($approval.revision | short) is approved" }
    elif $in.descends == null then { needDescent: $approval.revision, why: "\($approval.revision | short) is approved" }
    else { revision: $deployed, explicit: true, why: "\($approval.revision | short) is approved; ahead of it" }
    end;

def target($in; $settings):
  if $in.wanted != null then { revision: $in.wanted, why: "asked for \($in.wanted | short)", explicit: true }
  elif $settings.repository != null and $settings.approved != null then
    if ($settings.approved | at("revision") | revision) == null then
      { none: "no revision of \($settings.repository) is approved for this machine" }
    else
      { revision: $settings.approved.revision, lock: $settings.approved.lock, explicit: true,
        why: "\($settings.approved.revision | short) is approved" }
    end
  elif $settings.repository != null and $in.right == "approved" then approved_only($in; $settings)
  elif $settings.repository != null then
    if $in.head then { revision: $in.head, why: "branch \($settings.branch) is at \($in.head | short)", explicit: false }
    else { head: true } end
  elif ($in.homes | at("revision") | revision) == null then { none: "the machine has not been updated since it booted" }
  else { revision: $in.homes.revision, lock: $in.homes.lock, why: "the machine runs \($in.homes.revision | short)", explicit: true }
  end;

def act($in; $target; $settings):
  ($in.state // {}) as $state
  | { repository: ($settings.repository // ($in.homes | at("mirror"))), attribute: $settings.attribute } as $origin
  | refusal_of($state; $target.revision; $origin; $in.force; $in.homes | at("retry") // []) as $refused
  | origin_change($state; $origin) as $change
  | if $state.revision == $target.revision and ($in.drifted | not) and $change == null then stay("unchanged"; "\($target.why); so does this home")
    elif $refused != null then refuse($target.why; $refused)
    else
      { action: "update", outcome: "updated",
        reason: "\($target.why); \($change // if $state.revision | revision then "deployed \($state.revision | short)" else "nothing deployed" end)" }
    end
  | .target = ($target | { revision, lock, explicit: (.explicit or moves_in($state; $settings.repository)) });

def decide:
  . as $in
  | settled($in) as $settings
  | target($in; $settings) as $target
  | if $in.localHold != null then held($in.localHold)
    elif $target.none then stay("deferred"; $target.none)
    elif $target.idle then stay("unchanged"; $target.idle) + { idle: true }
    elif $target.needDescent then stay("unchanged"; $target.why) + { needDescent: $target.needDescent }
    elif $target.head then stay("deferred"; "branch \($settings.branch) is not known") + { needHead: true }
    else act($in; $target; $settings) + { approved: $target.revision }
    end
  | .approved //= ($in.state | at("approved"))
  | .settings = $settings
  | .retry = [];
