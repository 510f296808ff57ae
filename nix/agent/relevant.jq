# What of the project's metadata concerns one VM: the watcher acts when this changes and on nothing else.
#   { vm, instance, project, contract }
def parsed: if type == "string" then (try fromjson catch null) else . end;

. as $in
| .contract.projectMetadata as $names
| ([$names.prefix, .instance.fleet, .instance.stack, ""] | map(. // "") | join($names.separator)) as $prefix
| (.project[$prefix + $names.control] | parsed // {}) as $control
| (.instance.wave // "") as $wave
| {
    approval: (.project[$prefix + $wave] // null),
    holds: [($control.holds // [])[]
      | select(.scope == "fleet" or .scope == "wave:" + $wave or .scope == "vm:" + ($in.vm // ""))],
    pin: ($control.pins[$in.vm // ""]? // null),
    instead: ($control.instead[$wave]? // null),
    retry: ($control.retry // [])
  }
