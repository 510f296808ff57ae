# shellcheck shell=bash
# What the state says, for people.

show_status() {
  read_json "$state_dir/state.json" | jq --raw-output '
    def short: .[0:7];
    if . == {} then "no update has run yet"
    else
      "revision   \(if .revision == "" then "none deployed" else .revision end)",
      "outcome    \(.outcome)\(if .stage then " (\(.stage))" else "" end), \(.at)",
      if .approved then "approved   \(.approved)" else empty end,
      "system     \(.toplevel)",
      if .rolledBack then "rolled back" else empty end,
      if .rebootRequired then "a reboot is required" else empty end,
      if (.refused // []) != [] then "refused    \(.refused | map("\(.revision | short) (\(.stage))") | join(", "))" else empty end,
      if .error then "", .error else empty end
    end'
}
