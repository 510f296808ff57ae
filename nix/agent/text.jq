# Text from a log, for a report: no escape sequences, no control characters but newlines, and at most so many bytes, of which the last.
def text($bytes):
  gsub("\u001b\\[[0-9;?]*[a-zA-Z]"; "")
  | gsub("\r"; "\n")
  | explode | map(select(. == 10 or (. >= 32 and . != 127 and (. < 128 or . > 159)))) | implode
  | gsub("^\\s+|\\s+$"; "")
  | .[([0, length - $bytes] | max):]
  | until(utf8bytelength <= $bytes; .[1:]);
