# Of a vitest report in JSON, each test that failed and each file that could not be run: a JSON string of its name and the start of its message.
def start: split("\n")[:12] | map("    " + .) | join("\n");

.testResults[]
| (.name | sub("^.*/test/"; "test/")) as $file
| [.assertionResults[] | select(.status == "failed")] as $failed
| if .status == "failed" and $failed == [] then "\($file)\n\(.message | if . == "" then "its beforeAll or afterAll failed: see above" else . end | start)"
  else $failed[] | "\($file) > \(.fullName)\n\(.failureMessages[0] // "" | start)"
  end
