# The last lines of a failed command's output, as a report tells them: the line that says why comes last.
# in (raw): the output; out (raw): at most 25 lines
include "text";

def generic:
  test("For full logs, run|^\\s*nix log |dependenc(y|ies) of derivation .* failed to build|^\\s*$")
  or test("^(this|these) .*(derivation|path)s? will be |^  /nix/store/\\S+$|^(building|copying|querying) ");

split("\n")
| map(select(generic | not)) as $lines
| ([$lines[] | select(test("^\\s*error: "))] | last) as $why
| $lines[-25:]
| if $why == null or any(.[]; test("last [0-9]+ log lines")) or last == $why then . else . + [$why] end
| join("\n") | text(8000)
