# What a VM reads out of metadata, and what its decisions have in common. An item that is missing or not readable is null.

def revision: if type == "string" and test("^[0-9a-f]{40}$") then . else null end;

def parsed: if type == "string" then (try fromjson catch null) | if type == "object" then . else null end else null end;

# Like .[$key], for a key or an object that may be missing.
def at($key): if type == "object" and ($key | type) == "string" then .[$key] else null end;

def short: .[0:7];

# contract, instance -> the start of the project metadata keys of this fleet
def prefix($contract; $instance):
  [$contract.projectMetadata.prefix, $instance.fleet, $instance.stack, ""] | join($contract.projectMetadata.separator);

# project attributes -> { wave: approval | null }
def approvals($contract; $instance):
  prefix($contract; $instance) as $prefix
  | with_entries(
      select((.key | startswith($prefix)) and .key != $prefix + $contract.projectMetadata.control)
      | .key |= ltrimstr($prefix)
      | .value = (.value | parsed | if at("revision") | revision then . else null end)
    );

# project attributes -> the control item; null where it is not readable, empty where there is none
def control($contract; $instance):
  .[prefix($contract; $instance) + $contract.projectMetadata.control]
  | if . == null then {} else parsed end
  | if . == null then null
    else { holds: (.holds // []), pins: (.pins // {}), instead: (.instead // {}), retry: (.retry // []) }
      | if [.holds, .pins, .instead, .retry] | map(type) == ["array", "object", "object", "array"] then . else null end
    end;

# control item -> the holds that are on this VM; one with a revision lapses when the approval moves on
def holds_on($vm; $wave; $approved):
  .holds | map(
    select(type == "object")
    | select(.scope == "fleet" or .scope == "vm:\($vm)" or ($wave != null and .scope == "wave:\($wave)"))
    | select(.revision == null or .revision == $approved)
  );

def stay($outcome; $reason): { action: "stay", outcome: $outcome, reason: $reason };

# What is said of a revision that failed here before; what runs is still what that failure left.
def refuse($why; $refused):
  stay("failed"; "\($why); refused: \($refused.stage) failed before")
  + { stage: $refused.stage, error: "refused, because it failed before (\($refused.at)):\n\($refused.error)",
      rolledBack: ($refused.rolledBack == true) };
