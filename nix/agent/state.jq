# The state after a run: in: { state, result, errorBytes }, out: the new state.
# result: { outcome, stage?, error?, revision?, lock?, repository?, deployed?, toplevel, approved?, refuse?, rolledBack, rebootRequired,
#           lockMatches?, at, bootedAt, agent }; `revision`, `lock` and `repository` are set where the run ended with that revision deployed,
#           `deployed` where it is not what runs yet, `refuse` names one not to try again.
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
      # Where the deployed revision came from.
      repository: ($result.repository // $old.repository),
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
        | map(select(.revision != $result.refuse and .revision != $result.revision))
        | if $result.refuse == null then .
          else . + [{ revision: $result.refuse, stage: $result.stage, error: ($result.error // "" | text($bytes / 2)),
            rolledBack: $result.rolledBack, at: $result.at }] end
        | .[-20:]
      )
    }
  | with_entries(select(.value != null));
