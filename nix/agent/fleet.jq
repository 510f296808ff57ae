# What a VM reads out of metadata, and what its decisions have in common. An item that is missing or not readable is null.

def revision: if type == "string" and test("^[0-9a-f]{40}$") then . else null end;

def parsed: if type == "string" then (try fromjson catch null) | if type == "object" then . else null end else null end;

# Like .[$key], for a key or an object that may be missing.
def at($key): if type == "object" and ($key | type) == "string" then .[$key] else null end;

def short: .[0:7];

# A text that someone wrote, on one line and at most so many characters of it.
def bounded($most): gsub("\\s+"; " ") | if length > $most then .[0:$most - 1] + "…" else . end;

# Whether a value is an object whose fields have these types; a type with a ? may be missing. Names of lists of words are the contract's.
def has_shape($contract; $shape):
  def is($kind):
    if $kind | IN("string", "number", "boolean") then type == $kind
    elif $kind == "revision" then revision != null
    elif $kind == "digest" then type == "string" and test("^[0-9a-f]{64}$")
    elif $kind == "good" then . == "previous" or revision != null
    elif $kind == "homes" then
      type == "array" and all(.[]; has_shape($contract;
        { user: "string", attribute: "string?", repository: "string?", branch: "string?", deployKeySecret: "string?" }))
    elif $kind == "cache" then has_shape($contract; { url: "string", publicKey: "string" })
    elif $kind == "manifest" then has_shape($contract; { url: "string", sha256: "digest" })
    elif $kind == "homeApprovals" then
      type == "object" and all(.[]; has_shape($contract; { revision: "revision", lock: "digest" }))
    elif $kind == "holds" then
      type == "array" and all(.[]; has_shape($contract;
        { scope: "string", revision: "revision?", by: "string?", why: "string?", at: "string?" }))
    elif $kind == "pins" then type == "object" and all(.[]; is("revision"))
    elif $kind == "instead" then type == "object" and all(.[]; type == "object" and all(.[]; is("good")))
    elif $kind == "retry" then type == "array" and all(.[]; is("revision"))
    else . as $word | type == "string" and ($contract[$kind] | index([$word])) != null end;
  . as $value
  | type == "object" and all($shape | to_entries[];
      .value as $type
      | $value[.key]
      | if . == null then $type | endswith("?") else is($type | rtrimstr("?")) end);

# The VM's own item, as text; what it does not say is left to the machine's own settings.
def instance($contract):
  parsed
  | if has_shape($contract; $contract.instanceMetadata.fields
      | with_entries(if .key | IN("fleet", "stack") then . else .value |= rtrimstr("?") + "?" end))
    then . else null end;

# contract, instance -> the start of the project metadata keys of this fleet
def prefix($contract; $instance):
  [$contract.projectMetadata.prefix, $instance.fleet, $instance.stack, ""] | join($contract.projectMetadata.separator);

# project attributes -> { wave: approval | null }
def approvals($contract; $instance):
  prefix($contract; $instance) as $prefix
  | with_entries(
      select((.key | startswith($prefix)) and .key != $prefix + $contract.projectMetadata.control)
      | .key |= ltrimstr($prefix)
      | .value = (.value | parsed | if has_shape($contract; { revision: "revision", lock: "digest", repository: "string?",
          branch: "string?", homes: "homeApprovals?", manifest: "manifest?", urgent: "boolean?" }) then . else null end)
    );

# Whether a rollout is open or halted: waves are approved for different revisions, or one for something that is not readable.
def rollout_open: [.[] | at("revision")] | unique | length > 1;

# project attributes -> the control item; null where it is not readable, empty where there is none
def control($contract; $instance):
  .[prefix($contract; $instance) + $contract.projectMetadata.control]
  | if . == null then {} else parsed end
  | if has_shape($contract; { holds: "holds?", pins: "pins?", instead: "instead?", retry: "retry?" })
    then { holds: (.holds // []), pins: (.pins // {}), instead: (.instead // {}), retry: (.retry // []) }
    else null end;

# control item -> the holds that are on this VM; one with a revision lapses when the approval moves on, and one whose scope is not known
# is on every VM
def holds_on($vm; $wave; $approved):
  .holds | map(
    select(.scope == "fleet" or .scope == "vm:\($vm)" or ($wave != null and .scope == "wave:\($wave)")
      or (.scope | test("^(fleet|(wave|vm):.+)$") | not))
    | select(.revision == null or .revision == $approved)
  );

def stay($outcome; $reason): { action: "stay", outcome: $outcome, reason: $reason };

def held($hold):
  def text: if type == "string" then . else "" end;
  stay("held"; "held by \($hold.by | text | if . == "" then "somebody" else bounded(100) end)"
    + ($hold.why | text | if . == "" then "" else ": \(bounded(300))" end));

# What is said of a revision that failed here before; what runs is still what that failure left.
def refuse($why; $refused):
  stay("failed"; "\($why); refused: \($refused.stage // "the update") failed before")
  + { stage: $refused.stage, error: "refused, because it failed before (\($refused.at)):\n\($refused.error)",
      rolledBack: ($refused.rolledBack == true) };

# What is remembered of a revision that failed, as what is built now; null where it may be tried. $origin: { repository, attribute }
def refusal_of($state; $revision; $origin; $force; $retry):
  if $force or ($retry | index([$revision]) != null) then null
  else
    first(($state.refused // [])[] | select(.revision == $revision
      and (.repository == null or $origin.repository == null or .repository == $origin.repository)
      and (.attribute == null or $origin.attribute == null or .attribute == $origin.attribute))) // null
  end;

# What has changed since the deployed revision was built; null where nothing has, or nobody noted it.
def origin_change($state; $origin):
  if $state.attribute != null and $origin.attribute != null and $state.attribute != $origin.attribute then
    "it was built as \($state.attribute), and is \($origin.attribute) now"
  elif $state.repository != null and $origin.repository != null and $state.repository != $origin.repository then
    "it came from \($state.repository), and its repository is \($origin.repository) now"
  else null end;

# The first revision out of another repository has nothing there to descend from.
def moves_in($state; $repository): $repository != null and $state.repository != null and $state.repository != $repository;
