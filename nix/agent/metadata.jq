# What the metadata server says about this VM, out of its answers as metadata.bash asks for them: the project's attributes as JSON,
# the VM's name, and the VM's own item, each followed by a line with the status.
include "fleet";

# -> { vm, instance: text|null, attributes }, of the project's attributes only a fleet's; null where the server did not answer
def told($contract):
  split("\n") as $lines
  | if $lines[1] != "200" or $lines[3] != "200" then null
    else
      ($contract.projectMetadata.prefix + $contract.projectMetadata.separator) as $prefix
      | { vm: $lines[2],
          instance: (if $lines[-2] == "200" then $lines[4:-2] | join("\n") else null end),
          attributes: (try ($lines[0] | fromjson) catch null | if type == "object" then . else {} end
            | with_entries(select(.key | startswith($prefix)))) }
    end;
