# Which revision a VM is to run now. Pure: everything it knows is in its input,
#   { vm, instance, project, state, head, descends, force, localHold, contract }
# and its answer is { action, outcome, reason, target?, lock?, explicit?, approved?, stage? } with `action`
#   stay    nothing moves; `outcome` says why
#   update  go to `target`; `explicit` where that exact revision was approved, pinned or put in its place
#   need    ask again with `head` (the branch's head) or `descends` (whether the deployed revision descends from `of`)

def parsed: if type == "string" then (try fromjson catch null) else . end;
def is_revision: type == "string" and test("^[0-9a-f]{40}$");

. as $in
| .contract.projectMetadata as $names
| (.instance // {}) as $me
| ([$names.prefix, $me.fleet, $me.stack, ""] | map(. // "") | join($names.separator)) as $prefix
| ((.project // {})[$prefix + $names.control] | parsed // {}) as $control
| ((.project // {}) | to_entries
    | map(select((.key | startswith($prefix)) and .key != $prefix + $names.control))
    | map({ key: .key[($prefix | length):], value: (.value | parsed) })
    | map(select(.value.revision? | is_revision)) | from_entries) as $approvals
| (if $me.wave then $approvals[$me.wave] else null end) as $own
| (.state // {}) as $state
| ([$approvals[].revision] | unique | length > 1) as $open
| ($own != null and $own.revision != $state.approved) as $changed
| ([($control.holds // [])[]
    | select(.scope == "fleet" or .scope == "wave:" + ($me.wave // "") or .scope == "vm:" + ($in.vm // ""))
    # A hold that a failed gate wrote lapses when the approval moves on.
    | select(.revision == null or .revision == ($own.revision // null))] + [$in.localHold | values] | first) as $hold
| ($control.pins[$in.vm // ""]? // null) as $pin
| (if $own and $me.wave then $control.instead[$me.wave][$own.revision]? else null end) as $written
| (if $written == "previous"
   then (if $state.revision == $own.revision then $state.previous else $state.revision end)
   else $written end) as $instead
| def acted: if $own then $own.revision else $state.approved end;
  def stay($outcome; $reason): { action: "stay", outcome: $outcome, reason: $reason };
  def goto($revision; $lock; $explicit; $reason):
    ([($state.refused // [])[] | select(.revision == $revision)] | first) as $refused
    | if $revision == $state.revision
      then stay("unchanged"; $reason) + { target: $revision, lock: $lock, explicit: $explicit }
      elif $refused and ($in.force | not) and (($control.retry // []) | index($revision) | not)
      then stay("failed"; "revision \($revision[0:7]) was tried before and is refused") + { stage: $refused.stage, error: $refused.error }
      else { action: "update", target: $revision, lock: $lock, explicit: $explicit, reason: $reason }
      end;
  # An unchanged approval never moves a VM back from a descendant.
  def keep_if_descends($revision; rest):
    if $state.revision == null or $state.revision == "" or $state.revision == $revision then rest
    elif $in.descends == null then { action: "need", need: "descends", of: $revision }
    elif $in.descends then stay("unchanged"; "the deployed revision descends from \($revision[0:7])")
    else rest end;
  if $hold then stay("held"; "held by \($hold.by // "somebody"): \($hold.why // "no reason given")") + { approved: $state.approved }
  elif $pin then goto($pin; null; true; "pinned") + { approved: acted }
  elif $instead then goto($instead; null; true; "put in place of \($own.revision[0:7])") + { approved: acted }
  elif $changed then goto($own.revision; $own.lock; true; "approved for wave \($me.wave)") + { approved: acted }
  elif $me.wave and $own == null
  then stay("deferred"; "waiting for the approval of wave \($me.wave)") + { approved: $state.approved }
  elif $own and ($open or $me.follow == "approved")
  then keep_if_descends($own.revision; goto($own.revision; $own.lock; true; "approved for wave \($me.wave)")) + { approved: acted }
  elif $me.follow == "approved"
  then stay("deferred"; "follow is approved, and no wave of this machine has an approval") + { approved: $state.approved }
  elif $in.head == null then { action: "need", need: "head" }
  else keep_if_descends($in.head; goto($in.head; null; false; "head of the branch")) + { approved: acted }
  end
| with_entries(select(.value != null))
