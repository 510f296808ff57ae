# The entry that a VM writes to Cloud Logging: of the metadata server's answers (in, raw) and the agent's state.
# $event: run or alive; $where: the VM's number, its zone and its project, a line each; $offline: true where only the network was away
include "metadata";
include "fleet";

def age: try (now - fromdate | floor) catch 0;

$contract[0] as $contract
| told($contract)
| .vm as $vm
| (.instance | parsed) as $instance
| select($instance.monitoring == true)
| ($state | parsed // {}) as $state
| ($where | split("\n")) as [$id, $zone, $project]
| ($event == "run" and $state.outcome == "failed") as $failed
| { entries: [{
    logName: "projects/\($project)/logs/\($contract.logging.log)",
    resource: { type: "gce_instance", labels: { project_id: $project, instance_id: $id, zone: ($zone | split("/") | last) } },
    severity: (if $failed then (if $offline == "true" then "WARNING" else "ERROR" end) else "INFO" end),
    jsonPayload: {
      message: (if $event == "alive" then "alive" else "\($state.outcome)\(if $state.stage then " at \($state.stage)" else "" end)" end),
      $event, $vm, fleet: $instance.fleet, stack: $instance.stack, wave: $instance.wave,
      # What runs is what should run, or since when it is not.
      secondsBehind: (if $state.outcome == "unchanged" or $state.outcome == "updated" then 0
        else $state.succeeded // $state.bootedAt // "" | age end),
      report: ($state | { revision, outcome, stage, error, rolledBack, rebootRequired, toplevel, at })
    }
  }] }
