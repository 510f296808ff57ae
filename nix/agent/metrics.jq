# A state as node_exporter's textfile collector reads it.

def seconds: try fromdate catch 0;

# $name: of the agent, with underscores
def metrics($name):
  def metric($what; $help; $value):
    "# HELP \($name)_\($what) \($help)", "# TYPE \($name)_\($what) gauge", "\($name)_\($what) \($value)";
  def number: if . == true then 1 else 0 end;
  [
    metric("last_attempt_timestamp_seconds"; "When an update was last tried."; .at | seconds),
    metric("last_success_timestamp_seconds"; "When the agent last saw that what runs is what should run."; .succeeded | seconds),
    metric("reboot_required"; "Whether what is deployed waits for a reboot."; .rebootRequired | number),
    metric("rolled_back"; "Whether the last update was rolled back."; .rolledBack | number),
    metric("refused_revisions"; "How many revisions are not tried again."; .refused | length),
    "# HELP \($name)_outcome How the last update ended: 1 at what it was.",
    "# TYPE \($name)_outcome gauge",
    (.outcome as $outcome | "unchanged", "updated", "held", "deferred", "failed"
      | "\($name)_outcome{outcome=\"\(.)\"} \(. == $outcome | number)"),
    "# HELP \($name)_info What is deployed.",
    "# TYPE \($name)_info gauge",
    "\($name)_info{revision=\"\(.revision)\",agent=\"\(.agent)\"} 1"
  ] | join("\n") + "\n";
