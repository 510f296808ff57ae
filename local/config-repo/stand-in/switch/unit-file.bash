# shellcheck shell=bash
# Unit files as associative arrays: "Section.Key" -> its values, a line each; "Section." is there for every section.

# Reads a unit file and its drop-ins into the array NAME. An empty value forgets those before it, as systemd has it.
read_unit() { # name, file, drop-in folder…
  local -n read_into=$1
  local -a files=("$2")
  local folder file
  read_into=()
  for folder in "${@:3}"; do
    files+=("$folder"/*.conf)
  done
  for file in "${files[@]}"; do
    [[ ! -f $file ]] || read_sections "$file"
  done
}

read_sections() { # file; into $read_into
  local line section='' key value
  while IFS= read -r line || [[ -n $line ]]; do
    case $line in
      '' | '#'* | ';'*) ;;
      '['*']')
        section=${line:1:-1}
        read_into[$section.]=
        ;;
      *=*)
        key=${line%%=*} value=${line#*=}
        key=$section.${key%"${key##*[![:space:]]}"}
        value=${value#"${value%%[![:space:]]*}"}
        if [[ -z $value ]]; then
          read_into[$key]=
        else
          read_into[$key]=${read_into[$key]:+${read_into[$key]}$'\n'}$value
        fi
        ;;
    esac
  done <"$1"
}

# Whether a boolean is true; the last value counts.
is_true() { # name of an array, Section.Key, default
  local -n read_from=$1
  [[ ${read_from[$2]+set} ]] || {
    [[ $3 == true ]]
    return
  }
  [[ ${read_from[$2]##*$'\n'} =~ ^(1|yes|true|on)$ ]]
}
