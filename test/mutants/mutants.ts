/** Safety rules, each with a small change that removes it. The tests named beside it must then go red. */

export interface Mutant {
  /** The rule that is removed. */
  rule: string;
  /** Path in the project. */
  file: string;
  /** Text that stands in the file exactly once, and what takes its place. */
  before: string;
  after: string;
  /** Test files of the suite `unit` in which the loss must show. */
  tests: readonly string[];
}

const agent = (file: string) => `nix/agent/${file}`;
const unit = (...names: string[]) => names.map((name) => `test/unit/${name}.test.ts`);
const decide = unit("decide", "decide-laws", "decide-steering");

export const mutants: readonly Mutant[] = [
  {
    rule: "one update at a time (lock)",
    file: agent("lock.bash"),
    before: 'if ! flock --nonblock "$lock_fd"; then',
    after: "if false; then",
    tests: unit("agent-lock"),
  },
  {
    rule: "the branch may not be rewritten (ancestor check)",
    file: agent("trust.bash"),
    before: "[[ ${decision[explicit]} == true || -z $deployed ]] || mirror_descends",
    after: "true || mirror_descends",
    tests: unit("agent-trust"),
  },
  {
    rule: "only signers' commits (signature check)",
    file: agent("trust.bash"),
    before: "[[ -n $signers ]] || return 0",
    after: "return 0",
    tests: unit("agent-trust"),
  },
  {
    rule: "every commit since the deployed one is signed",
    file: agent("trust.bash"),
    before: 'quiet_git --git-dir="$mirror" rev-list "$1" "^$deployed"',
    after: "true",
    tests: unit("agent-trust"),
  },
  {
    rule: "the approved lock (digest check)",
    file: agent("trust.bash"),
    before: '[[ -z $lock || ${result[lock]} == "$lock" ]]',
    after: "true",
    tests: unit("agent-trust"),
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
    before: 'if driver_healthy "${trial[path]}"; then',
    after: "if true; then",
    tests: unit("agent-trial"),
  },
  {
    rule: "what fails is rolled back",
    file: agent("trial.bash"),
    before: 'if driver_roll_back "${trial[path]}"; then',
    after: "if true; then",
    tests: unit("agent-trial"),
  },
  {
    rule: "a hold stops every update",
    file: agent("decide.jq"),
    before: "if $holds != [] then",
    after: "if false then",
    tests: decide,
  },
  {
    rule: "a clone with changes is left alone (clean-tree check)",
    file: agent("checkout.bash"),
    before: '&& -z $(quiet_git -C "$1" status --porcelain) ]]',
    after: "]]",
    tests: unit("agent-git"),
  },
  {
    rule: "a home with edits of its own is left alone (clean-tree check)",
    file: agent("home.bash"),
    before: 'if [[ -n $(quiet_git -C "$clone" status --porcelain 2>/dev/null) ]]; then',
    after: "if false; then",
    tests: unit("agent-home"),
  },
  {
    rule: "a home with commits of its own is left alone",
    file: agent("home.bash"),
    before:
      'elif [[ -n $(quiet_git -C "$clone" log --max-count=1 --format=%h HEAD --not --remotes 2>/dev/null) ]]; then',
    after: "elif false; then",
    tests: unit("agent-home"),
  },
  {
    rule: "no update without an agent in it (orphan check)",
    file: agent("system.bash"),
    before: "[[ -e $1/etc/systemd/system/$system_unit.timer || -L $1/etc/systemd/system/$system_unit.timer ]]",
    after: "true",
    tests: unit("agent-trust"),
  },
  {
    rule: "while waves differ only a machine's own approval moves it",
    file: agent("decide.jq"),
    before: '$settings.follow == "approved" or $open or',
    after: '$settings.follow == "approved" or',
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
    tests: unit("agent-state"),
  },
  {
    rule: "a gate fails beyond its budget",
    file: "control/gate.ts",
    before: "if (failed > allowed) {",
    after: "if (failed < 0) {",
    tests: unit("gate", "gate-wave"),
  },
  {
    rule: "a gate waits for the approval it gates",
    file: "control/gate.ts",
    before: "if (report.approved !== revision && !pinned) {",
    after: "if (report.approved === undefined) {",
    tests: unit("gate", "gate-wave", "gate-await"),
  },
];
