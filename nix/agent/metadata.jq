# What the metadata server says about this VM, out of its answers as metadata.bash asks for them: the project's attributes as JSON,
# the VM's name, and the VM's own item, each followed by a line with the status.
include "fleet";

# -> { vm, instance: text|null, attributes }, of the project's attributes only a fleet's; null where an answer is not whole. Of the VM's own
# item 404 means that there is none; any other answer means that nobody knows.
def told($contract):
  split("\n") as $lines
  | ($contract.projectMetadata.prefix + $contract.projectMetadata.separator) as $prefix
  | ($lines[0] // "" | parsed | if . == null then . else with_entries(select(.key | startswith($prefix))) end) as $attributes
  | [ select($lines[1] == "200" and $attributes != null and all($attributes[]; type == "string"))
      | select($lines[3] == "200" and ($lines[2] | test("^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$")))
      | if $lines[-2] == "404" then null
        elif $lines[-2] == "200" then $lines[4:-2] | join("\n") | select(instance($contract) != null)
        else empty end
      | { vm: $lines[2], instance: ., $attributes }
    ][0];
