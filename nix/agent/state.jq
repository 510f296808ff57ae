# The state after a run: in: { state, result, errorBytes }, out: the new state.
# result: { outcome, stage?, error?, revision?, lock?, repository?, attribute?, deployed?, toplevel, approved?, refuse?, rolledBack,
#           rebootRequired, lockMatches?, at, bootedAt, agent }; `revision` and `lock` are set where the run ended with that revision deployed,
#           `repository` and `attribute` (host or home) always where they are known: they are what it was built as, or what `refuse` names one
#           not to try again as. `deployed` is set where it is not what runs yet.
include "text";

def new_state:
  .errorBytes as $bytes
  | (.state // {}) as $old
  | .result as $result
  | ($result.revision // $old.revision // "") as $revision
  | {
      $revision,
      approved: ($result.approved // $old.approved),
      lock: ($result.lock // $old.lock // ""),
      # Where the deployed revision came from, and as what it was built. A check that finds nothing new tells of one that nobody noted.
      repository: (if $result.revision != null then $result.repository else null end // $old.repository),
      attribute: (if $result.revision != null or ($old.attribute == null and $result.outcome == "unchanged") then $result.attribute
        else null end // $old.attribute),
      lockMatches: (if $result.lockMatches == null then $old.lockMatches else $result.lockMatches end),
      toplevel: $result.toplevel,
      outcome: $result.outcome,
      stage: $result.stage,
      error: ($result.error // null | if . == null then null else text($bytes) end),
      rolledBack: $result.rolledBack,
      rebootRequired: $result.rebootRequired,
      at: $result.at,
      bootedAt: $result.bootedAt,
      agent: $result.agent,
      # What was deployed last; whatever else runs is somebody's doing.
      deployed: (if $result.revision == null then $old.deployed else $result.deployed // $result.toplevel end),
      # What ran before, for an undo.
      previous: (if ($old.revision // "") == "" or $old.revision == $revision then $old.previous else $old.revision end),
      # When what runs was last seen to be what should run.
      succeeded: (if $result.outcome == "unchanged" or $result.outcome == "updated" then $result.at else $old.succeeded end),
      refused: (
        ($old.refused // [])
        | map(select(.revision != $result.revision and (.revision != $result.refuse
            or (.repository != null and .repository != $result.repository)
            or (.attribute != null and .attribute != $result.attribute))))
        | if $result.refuse == null then .
          else . + [{ revision: $result.refuse, repository: $result.repository, attribute: $result.attribute, stage: $result.stage, error: ($result.error // "" | text($bytes / 2)),
            rolledBack: $result.rolledBack, at: $result.at } | with_entries(select(.value != null))] end
        | .[-20:]
      )
    }
  | with_entries(select(.value != null));
