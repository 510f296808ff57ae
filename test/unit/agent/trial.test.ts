/** A switch as a trial: what comes of it, and what the next run does after it was cut short at any point. The driver is a stand-in. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Bench } from "./bash";
import { A, B } from "./decide-cases";

const OLD = "/nix/store/old";
const NEW = "/nix/store/new";

/** What runs is what a file says; a function that a test overrides comes after these. */
const driver = `
  home_unit=x decision=() service=nixos-auto-update manager=() published_file=/dev/null lock_file=/dev/null
  runs() { cat "$state_dir/runs"; }
  driver_look() { :; }
  driver_decide() {
    local state deployed path action=update outcome=updated reason=go
    state=$(cat "$state_dir/state.json")
    deployed=$(jq -r .revision <<<"$state") path=$(jq -r .deployed <<<"$state")
    [[ $deployed != ${B} ]] || action=stay outcome=unchanged reason=there
    [[ $(jq -c .refused <<<"$state") == '[]' ]] || action=stay outcome=failed reason=refused
    printf "[action]=$action [outcome]=$outcome [reason]=$reason [stage]='' [error]='' [needHead]=false [needDescent]='' [passes]=false "
    printf "[approved]=${B} [revision]=${B} [lock]='' [explicit]=true [notes]='' [deployed]=$deployed [deployedPath]=$path [previous]='' [retry]='[]' [state]=%q " "$state"
    printf "[settings.homes]='[]'"
  }
  driver_current() { runs; }
  driver_mode() { echo switch; }
  driver_needs_reboot() { echo false; }
  driver_before() { echo '{"failed":[],"reached":{}}'; }
  driver_is_current() { [[ ! -e $state_dir/trial.json && $1 == "$(runs)" ]]; }
  driver_boot() { booted_at; }
  driver_came_up() { [[ $1 == "$(runs)" ]]; }
  driver_switch() { trace switch $2 "$1"; [[ $2 == boot ]] || echo "$1" >"$state_dir/runs"; }
  driver_keep() { trace keep; }
  driver_let_go() { trace let go; }
  driver_healthy() { trace health; }
  driver_roll_back() { trace back; echo ${OLD} >"$state_dir/runs"; }
  driver_may_update() { :; }
  driver_concluded() { :; }
  driver_accepts() { :; }
  driver_repository() { echo git://x/y; }
  driver_credential() { :; }
  retry_later() { trace "retry: $2"; }
  retry_no_more() { :; }
  booted_at() { cat "$state_dir/boot"; }
  fetch_revision() { :; }
  verify() { :; }
  make_room() { :; }
  obtain() { built=${NEW}; }
  prune_generations() { :; }
  trace() { echo "$*" >>"$state_dir/trace"; }
`;

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
  writeFileSync(bench.path("state/runs"), `${OLD}\n`);
  writeFileSync(bench.path("state/boot"), "1");
  writeFileSync(bench.path("state/state.json"), JSON.stringify({ revision: A, deployed: OLD, refused: [] }));
});
afterEach(() => {
  bench.remove();
});

/** One run of the agent; what it did, in order. */
function run(overrides = ""): { did: string[]; state: Record<string, unknown>; stderr: string } {
  writeFileSync(bench.path("state/trace"), "");
  const { stderr } = bench.run(["common"], `${driver}\n${overrides}\nattempt || exit 9`);
  return {
    did: readFileSync(bench.path("state/trace"), "utf8").split("\n").slice(0, -1),
    state: JSON.parse(readFileSync(bench.path("state/state.json"), "utf8")) as Record<string, unknown>,
    stderr,
  };
}

const runs = () => readFileSync(bench.path("state/runs"), "utf8").trim();
const trialLeft = () => existsSync(bench.path("state/trial.json"));
/** A power cut comes to this: nothing goes on, and the machine boots. */
const boot = (what: string) => {
  writeFileSync(bench.path("state/boot"), "2");
  writeFileSync(bench.path("state/runs"), `${what}\n`);
};
const dies = "kill -KILL $$";

describe("a trial", () => {
  it("counts when it has proved itself", () => {
    expect(run()).toMatchObject({
      did: [`switch switch ${NEW}`, "health", "keep"],
      state: { revision: B, outcome: "updated", deployed: NEW },
    });
    expect(trialLeft()).toBe(false);
  });

  it.each([
    ["switch", "driver_switch() { switch_error=boom; return 1; }"],
    ["health", "driver_healthy() { sickness=boom; return 1; }"],
    ["switch", "driver_keep() { switch_error=boom; return 1; }"],
  ])("that fails at %s is rolled back, and refused from then on", (stage, override) => {
    const { state } = run(override);
    expect(state).toMatchObject({ revision: A, outcome: "failed", stage, error: "boom", rolledBack: true });
    expect(state["refused"]).toMatchObject([{ revision: B, stage }]);
    expect(runs()).toBe(OLD);
    expect(trialLeft()).toBe(false);
    expect(run().did).toEqual([]);
  });

  it("that could not be switched because another switch was running is tried again", () => {
    const { did, state } = run("driver_switch() { switch_error=busy switch_busy=true; return 1; }");
    expect(state).toMatchObject({ outcome: "failed", stage: "switch", refused: [] });
    expect(did).toContain("retry: another switch is running");
  });

  it("is rolled back by a later run where the rollback fails, which is told as loudly as can be", () => {
    const failing =
      "driver_healthy() { sickness=boom; return 1; }; driver_roll_back() { rollback_error=stuck; return 1; }";
    const { did, state, stderr } = run(`JOURNAL_STREAM=1:1\n${failing}`);
    expect(stderr).toContain(`<0>COULD NOT ROLL BACK from ${NEW}: stuck`);
    expect(state).toMatchObject({ outcome: "failed", stage: "health", rolledBack: false });
    expect(state["error"]).toContain("and the rollback failed: stuck");
    expect(did).toContain("retry: the rollback failed");
    expect(run().did).toEqual(["back"]);
    expect(runs()).toBe(OLD);
    expect(trialLeft()).toBe(false);
  });

  it("is given up where there is nothing to go back to", () => {
    run("driver_healthy() { sickness=x; return 1; }; driver_roll_back() { rollback_hopeless=true; return 1; }");
    expect(trialLeft()).toBe(false);
  });
});

describe("a trial that was cut short", () => {
  it("before the switch is done by the next run", () => {
    run(`driver_switch() { ${dies}; }`);
    expect(run()).toMatchObject({ did: [`switch switch ${NEW}`, "health", "keep"], state: { revision: B } });
  });

  it("within the switch is switched again", () => {
    run(`driver_switch() { echo half >"$state_dir/runs"; ${dies}; }`);
    expect(run()).toMatchObject({ did: [`switch switch ${NEW}`, "health", "keep"], state: { revision: B } });
    expect(runs()).toBe(NEW);
  });

  it("before it proved itself has to, also when a boot brought it up", () => {
    run(`driver_healthy() { ${dies}; }`);
    boot(NEW);
    const did = [`switch switch ${NEW}`, "health", "keep"];
    expect(run()).toMatchObject({ did, state: { revision: B, outcome: "unchanged" } });
    expect(trialLeft()).toBe(false);
  });

  it("and whose activation fails, which keeps no boot from coming up, is rolled back", () => {
    run(`driver_switch() { ${dies}; }`);
    boot(NEW);
    const { did, state } = run("driver_switch() { switch_error='cannot activate'; return 1; }");
    expect(did).toEqual(["back"]);
    expect(state["refused"]).toMatchObject([{ revision: B, stage: "switch", error: "cannot activate" }]);
    expect(runs()).toBe(OLD);
  });

  it("and does not do well after the boot is rolled back", () => {
    run(`driver_healthy() { ${dies}; }`);
    boot(NEW);
    const { did, state } = run("driver_healthy() { sickness=boom; return 1; }");
    expect(did).toEqual([`switch switch ${NEW}`, "back"]);
    expect(state["refused"]).toMatchObject([{ revision: B, stage: "health" }]);
    expect(runs()).toBe(OLD);
  });

  it.each(["switch", "healthy", "keep"])("at driver_%s is begun anew after a boot of the old one", (where) => {
    run(`driver_${where}() { ${dies}; }`);
    boot(OLD);
    expect(run()).toMatchObject({ did: ["let go", `switch switch ${NEW}`, "health", "keep"], state: { revision: B } });
  });

  it("within the rollback goes on being rolled back", () => {
    run(`driver_healthy() { sickness=boom; return 1; }; driver_roll_back() { ${dies}; }`);
    const { did, state } = run();
    expect(did).toEqual(["back"]);
    expect(state).toMatchObject({ revision: A });
    expect(state["refused"]).toMatchObject([{ revision: B, stage: "health", error: "boom" }]);
  });

  it("after the boot within the rollback goes on being rolled back", () => {
    run(`driver_healthy() { sickness=boom; return 1; }; driver_roll_back() { ${dies}; }`);
    boot(NEW);
    expect(run().did).toEqual(["back"]);
    expect(runs()).toBe(OLD);
  });

  it("and whose file cannot be read is decided by what runs", () => {
    writeFileSync(bench.path("state/trial.json"), '{"path":');
    expect(run()).toMatchObject({ did: [`switch switch ${NEW}`, "health", "keep"], state: { revision: B } });
  });
});

describe("a trial that waits for a reboot", () => {
  const reboots = "driver_mode() { echo boot; }; driver_needs_reboot() { echo true; }";

  it("is deployed, and left alone until then", () => {
    const { did, state } = run(reboots);
    expect(did).toEqual([`switch boot ${NEW}`]);
    expect(state).toMatchObject({
      revision: B,
      outcome: "updated",
      rebootRequired: true,
      toplevel: OLD,
      deployed: NEW,
    });
    expect(run(reboots).did).toEqual([]);
    expect(trialLeft()).toBe(true);
  });

  it("proves itself after it", () => {
    run(reboots);
    boot(NEW);
    expect(run().did).toEqual(["health"]);
    expect(trialLeft()).toBe(false);
  });
});
