# How a run ended: what bash takes up is the inside of an associative array with the new state, the report (nothing where it need
# not be published), the metrics and, for the system, what homes may run.
# Named arguments: what the run says of itself, by the names of a state, and behind an underscore what it is concluded with.
include "answer";
include "metrics";
include "report";
include "state";

def same_but_time($last): .outcome == "unchanged" and del(.at) == ($last | del(.at));

($ARGS.named) as $arg
| $arg._contract[0] as $contract
| ($arg | with_entries(select(.key | startswith("_") | not))) as $result
| ({ state: $arg._state, $result, errorBytes: $contract.report.errorBytes } | new_state) as $state
| ({ $state, $contract } | report) as $report
| {
    state: ($state | tojson),
    report: (if $report == null or ($report | same_but_time($arg._published | object({}))) then "" else $report | tojson end),
    metrics: ($state | metrics($arg._name)),
    homes: ({ revision: $state.revision, lock: $state.lock, mirror: $arg._mirror, at: $state.at, retry: $arg._retry,
      # How far a home that this starts may go.
      right: $arg._right,
      homes: $arg._homes,
      knownHosts: $arg._knownHosts } | tojson)
  }
| pairs
