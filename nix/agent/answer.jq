# A decision as bash takes it up: the inside of an associative array. What has inner parts is given as JSON.

include "fleet";

def pairs: to_entries | map("[\(.key | @sh)]=\(.value | @sh)") | join(" ");

# Text of a file that may be missing or cut short -> an object; $otherwise where it is none.
def object($otherwise): (try fromjson catch null) | if type == "object" then . else $otherwise end;

# A state file's text -> the state; what has not the shape that a state has is left out, for it would stay in the way for good.
def remembered($contract):
  def time: type == "string" and test("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$") and (try (fromdate | true) catch false);
  def word($list): . as $word | type == "string" and ($contract[$list] | index([$word])) != null;
  object({})
  | with_entries(select(.key as $key | .value
      | if $key | IN("revision", "previous", "approved") then revision != null
        elif $key | IN("at", "bootedAt", "succeeded") then time
        elif $key | IN("outcome", "stage") then word($key)
        elif $key | IN("rolledBack", "rebootRequired", "lockMatches") then type == "boolean"
        elif $key == "refused" then type == "array"
        elif $key | IN("repository", "attribute", "lock", "deployed", "toplevel", "error", "agent") then type == "string"
        else false end))
  | if .refused then
      .refused |= map(select(type == "object" and (.revision | revision) != null)
        | with_entries(select(.key == "rolledBack"
            or (.key | IN("revision", "repository", "attribute", "stage", "error", "at")) and (.value | type == "string")))
        | if .stage == null or (.stage | word("stage")) then . else del(.stage) end
        | .error //= "" | .at //= "" | .rolledBack = (.rolledBack == true))
    else . end;

# $in: what was decided from
def answer($in):
  . as $decision
  | ($in.state // {}) as $state
  | def flat: gsub("\\s+"; " ");
  ($decision.settings | with_entries(
      .key |= "settings.\(.)" | .value |= if . == null then "" elif type == "string" then . else tojson end))
  + {
      action: .action, outcome: .outcome, reason: (.reason | flat), stage: (.stage // ""),
      error: (.error // if .outcome == "deferred" or .outcome == "held" then .reason else "" end),
      rolledBack: (.rolledBack // false | tostring), needHead: (.needHead // "" | tostring), needDescent: (.needDescent // ""), passes: (.passes // false | tostring),
      idle: (.idle // false | tostring),
      approved: (.approved // ""), revision: (.target.revision // ""), lock: (.target.lock // ""),
      manifest: (.target.manifest | at("url") // ""), manifestDigest: (.target.manifest | at("sha256") // ""),
      explicit: (.target.explicit // false | tostring), retry: (.retry | tojson), notes: (.notes // [] | map(flat) | join("\n")),
      deployed: ($state.revision // ""), deployedPath: ($state.deployed // ""), previous: ($state.previous // ""),
      state: ($state | tojson), ifDeployed: (.ifDeployed // "")
    }
  | pairs;

# Decides, and where the branch's head is asked for also what comes of it if it is the deployed revision, so that nobody has to ask
# twice when nothing is new. `about`: what is said besides.
def answer_to($in; decide; about):
  def decided: decide | about;
  ($in | decided) as $decision
  | $decision
  | if .needHead and $in.state.revision != null
    then .ifDeployed = ($in | .head = .state.revision | decided | answer($in))
    else . end
  | answer($in);
