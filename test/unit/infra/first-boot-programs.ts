/** Stand-ins for the programs that the startup script finds on an image without the agent. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Answers as the metadata server and the cache do: a file below `served` for each URL. */
export const curl = (root: string) => `#!/bin/sh
output=/dev/stdout
for word; do
  [ "\${last-}" != --output ] || output=$word
  last=$word
done
env | grep -i proxy >>${root}/curl-environment
echo "curl $*" >>${root}/curl-calls
file=${root}/served/$(printf %s "$last" | tr / _)
[ -e "$file" ] && cat "$file" >"$output" || exit 22
`;

/** Evaluates the script's expressions, which join texts and fields of a JSON file, by what `flatten` wrote; notes all else. */
export const nix = (root: string) => `#!/bin/bash
name=\${0##*/}
case "$name $*" in
  "nix --version") echo "nix (Nix) 2.24.1"; exit ;;
  *" eval "*)
    expression=\${!#} file=\${expression#*readFile } text=\${expression##*; in }
    file=\${file%%)*} text=\${text//'"'} answer=
    folder=${root}/fields/\${file##*/}
    if [[ $expression == *'+ set "'* ]]; then
      while read -r line; do
        [[ $line =~ ^\\+\\ set\\ \\"([a-z_]+)\\"\\ \\((it[A-Za-z0-9.]+)?(\\ or\\ \\"(.*)\\")? ]] || continue
        answer=\${BASH_REMATCH[4]} path=\${BASH_REMATCH[2]}
        [ -z "$path" ] || [ ! -e "$folder/$path" ] || answer=$(<"$folder/$path")
        printf "%s='%s'\\n" "\${BASH_REMATCH[1]}" "\${answer//"'"/"'\\\\''"}"
      done <<<"$expression"
      exit
    fi
    while [ -n "$text" ]; do
      term=\${text%% + *}
      case $text in *" + "*) text=\${text#* + } ;; *) text= ;; esac
      path=\${term% or *}
      case $term in it.*) if [ -e "$folder/$path" ]; then term=$(<"$folder/$path"); else term=\${term#* or }; fi ;; esac
      answer+=$term
    done
    printf %s "$answer"
    exit ;;
esac
echo "$name $*" >>${root}/nix-calls
env >>${root}/nix-environment
while [ $# -gt 0 ]; do case $1 in --out-link | --add-root) link=$2 ;; esac; shift; done
mkdir -p ${root}/of-$name/sw/bin
printf '#!/bin/sh\\necho agent: %s\\nenv >>${root}/agent-environment\\n' $name >${root}/of-$name/sw/bin/nixos-auto-update
chmod +x ${root}/of-$name/sw/bin/nixos-auto-update
case $name in nix) ln -sfn ${root}/of-nix/sw "$link" ;; *) ln -sfn ${root}/of-nix-store "$link" ;; esac
`;

/** A file for each field of an object. */
export function flatten(folder: string, value: unknown, path = "it"): void {
  if (typeof value === "object" && value !== null)
    for (const [name, field] of Object.entries(value)) flatten(folder, field, `${path}.${name}`);
  else if (typeof value === "string") {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, path), value);
  }
}
