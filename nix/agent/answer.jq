# A decision as bash takes it up: the inside of an associative array. What has inner parts is given as JSON.

include "fleet";

def pairs: to_entries | map("[\(.key | @sh)]=\(.value | @sh)") | join(" ");

# Text of a file that may be missing or cut short -> an object; $otherwise where it is none.
def object($otherwise): (try fromjson catch null) | if type == "object" then . else $otherwise end;

# A state file's text -> the state; what has not the shape that a state has is left out, for it would stay in the way for good.
def remembered:
  object({})
  | with_entries(select((.value | type) == (
      if .key == "refused" then "array"
      elif .key | IN("rolledBack", "rebootRequired", "lockMatches") then "boolean"
      else "string" end)))
  | if .refused then .refused |= map(select(type == "object" and (.revision | type) == "string")) else . end;

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
