incoming=$1 action=$2
running=/run/current-system/switch-inhibitors
[[ $action != boot && -e $running ]] || exit 0
[[ $(<"$running") != "$(<"$incoming/switch-inhibitors")" ]] || exit 0
changed=$(jq --raw-output --null-input --slurpfile old "$running" --slurpfile new "$incoming/switch-inhibitors" '
  $old[0] | keys[] | select(. as $name | $new[0] | has($name) and .[$name] != $old[0][$name])')
[[ -z $changed ]] || {
  echo "There are changes to critical components of the system:"
  echo "$changed"
  exit 1
}
