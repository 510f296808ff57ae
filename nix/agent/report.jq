# What is published of a state: in: { state, contract }, out: the fields of the contract's report and no others, or null where the state
# is none. A home's state is its user's own writing, so every field's type is checked and its length bounded.
include "text";

def report:
  .contract as $contract
  | .state as $state
  | ($contract.report.errorBytes) as $bytes

  | def fits($kind):
      if $kind == "string" then type == "string"
      elif $kind == "boolean" then type == "boolean"
      else . as $value | $contract[$kind] | index([$value]) != null end;

    def clean($name):
      if type != "string" then . elif $name == "error" then text($bytes) else text(300) | gsub("\n"; " ") end;

    if ($state | type) != "object" then null
    else
      ($contract.report.fields | to_entries) as $fields
      | if all($fields[];
            . as { key: $name, value: $type }
            | if $state[$name] == null then $type | endswith("?")
              else $state[$name] | fits($type | rtrimstr("?")) end)
        then reduce $fields[] as { key: $name } ({};
            if $state[$name] == null then . else .[$name] = ($state[$name] | clean($name)) end)
        else null end
    end;
