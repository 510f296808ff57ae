/** All safety rules, each with a small change that removes it. The tests named beside it must then go red. */
import { agent, decide, unit, type Mutant } from "./mutant";
import { rolloutMutants } from "./rollouts";
import { ruleMutants } from "./rules";

export type { Mutant };

export const mutants: readonly Mutant[] = [
  {
    rule: "one update at a time (lock)",
    file: agent("lock.bash"),
    before: 'if ! flock --nonblock "$lock_fd"; then',
    after: "if false; then",
    tests: unit("agent/lock"),
  },
  {
    rule: "the branch may not be rewritten (ancestor check)",
    file: agent("trust.bash"),
    before: "[[ ${decision[explicit]} == true || -z $deployed ]] || mirror_descends",
    after: "true || mirror_descends",
    tests: unit("agent/trust"),
  },
  {
    rule: "only signers' commits (signature check)",
    file: agent("trust.bash"),
    before: "[[ -n $signers ]] || return 0",
    after: "return 0",
    tests: unit("agent/trust"),
  },
  {
    rule: "every commit since the deployed one is signed",
    file: agent("trust.bash"),
    before: 'quiet_git --git-dir="$mirror" rev-list "$1" "^$deployed"',
    after: "true",
    tests: unit("agent/trust"),
  },
  {
    rule: "the approved lock (digest check)",
    file: agent("trust.bash"),
    before: '[[ -z $lock || ${result[lock]} == "$lock" ]]',
    after: "true",
    tests: unit("agent/trust"),
  },
  {
    rule: "the approved manifest (digest check)",
    file: agent("prebuilt.bash"),
    before: '[[ $(sha256sum <"$run_dir/manifest") == "$2  -" ]]',
    after: "true",
    tests: unit("agent/prebuilt"),
  },
  {
    rule: "what failed is not tried again (refusal memory)",
    file: agent("decide.jq"),
    before: "elif $refused != null and",
    after: "elif false and",
    tests: decide,
  },
  {
    rule: "a switch has to prove itself (health check)",
    file: agent("trial.bash"),
    before: 'if ! driver_healthy "${trial[path]}"; then',
    after: "if false; then",
    tests: unit("agent/trial"),
  },
  {
    rule: "what fails is rolled back",
    file: agent("trial.bash"),
    before: 'if driver_roll_back "${trial[path]}"; then',
    after: "if true; then",
    tests: unit("agent/trial"),
  },
  {
    rule: "nothing boots that has not proved itself",
    file: agent("system.bash"),
    before: 'activate_system "$1" test',
    after: 'set_for_boot "$1"',
    tests: unit("agent/switch"),
  },
  {
    rule: "what was cut short does not boot later",
    file: agent("trial.bash"),
    before: '[[ ${trial[mode]} == boot ]] || driver_let_go "${trial[path]}" || true',
    after: "true",
    tests: unit("agent/trial"),
  },
  {
    rule: "a hold stops every update",
    file: agent("decide.jq"),
    before: "if $holds == [] then",
    after: "if true then",
    tests: decide,
  },
  {
    rule: "a clone with changes is left alone (clean-tree check)",
    file: agent("checkout.bash"),
    before: '&& -z $(quiet_git -C "$1" status --porcelain) ]]',
    after: "]]",
    tests: unit("agent/git"),
  },
  {
    rule: "a home with edits of its own is left alone (clean-tree check)",
    file: agent("home.bash"),
    before: 'if [[ -n $(quiet_git -C "$clone" status --porcelain 2>/dev/null) ]]; then',
    after: "if false; then",
    tests: unit("agent/home"),
  },
  {
    rule: "a home with commits of its own is left alone",
    file: agent("home.bash"),
    before:
      'elif [[ -n $(quiet_git -C "$clone" log --max-count=1 --format=%h HEAD --not --remotes 2>/dev/null) ]]; then',
    after: "elif false; then",
    tests: unit("agent/home"),
  },
  {
    rule: "no update without an agent in it (orphan check)",
    file: agent("system.bash"),
    before: "[[ -e $1/etc/systemd/system/$system_unit.timer || -L $1/etc/systemd/system/$system_unit.timer ]]",
    after: "true",
    tests: unit("agent/trust"),
  },
  {
    rule: "while waves differ only a machine's own approval moves it",
    file: agent("decide.jq"),
    before: '$in.right == "approved" or ($approvals | rollout_open)) as $bound',
    after: '$in.right == "approved") as $bound',
    tests: decide,
  },
  {
    rule: "an unchanged approval never moves a machine back",
    file: agent("decide.jq"),
    before: "elif $in.descends == true then",
    after: "elif false then",
    tests: decide,
  },
  {
    rule: "a pin goes before the approval (precedence)",
    file: agent("decide.jq"),
    before: "if $pin != null then",
    after: "if false then",
    tests: decide,
  },
  {
    rule: "what undid an approval takes its place (instead)",
    file: agent("decide.jq"),
    before: "elif $undone != null then",
    after: "elif false then",
    tests: decide,
  },
  {
    rule: "the watcher acts on what concerns its machine alone (baseline)",
    file: agent("watch.jq"),
    before: "| at($instance.wave)) as $own",
    after: ") as $own",
    tests: unit("agent/state"),
  },
  ...rolloutMutants,
  ...ruleMutants,
];
