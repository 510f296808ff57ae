/** The names that the agents take out of contract.json without a JSON reader. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { contract } from "../../../rules/contract";
import { Bench } from "./bash";

let bench: Bench;
beforeEach(() => (bench = new Bench()));
afterEach(() => bench.remove());

it("are the contract's", () => {
  const names = {
    contract_state: contract.paths.state,
    contract_run: contract.paths.run,
    contract_lock: contract.paths.lock,
    contract_home_credentials: contract.paths.homeCredentials,
    contract_home_state: contract.paths.homeState,
    contract_settings: contract.paths.settings,
    contract_home_settings: contract.paths.homeSettings,
    system_unit: contract.units.system,
    home_unit: contract.units.home,
    instance_key: contract.instanceMetadata.key,
    attribute_namespace: contract.guestAttributes.namespace,
    system_attribute: contract.guestAttributes.system,
    home_attribute_prefix: contract.guestAttributes.homePrefix,
    agent_version: contract.agent,
  };
  // The repository's own file, laid out as prettier does it.
  const script = `agent_dir=${bench.path("agent")}; read_contract; ${Object.keys(names)
    .map((name) => `echo "$${name}"`)
    .join("; ")}`;
  const { stdout, status } = bench.run(
    ["log", "contract"],
    `mkdir ${bench.path("agent")}; cp "$contract_file" ${bench.path("agent")}; ${script}`,
  );
  expect(stdout.split("\n").slice(0, -1)).toEqual(Object.values(names));
  expect(status).toBe(0);
});

it("are missed at once where the file is another one", () => {
  const { status, stderr } = bench.run(
    ["log", "contract"],
    `agent_dir=${bench.root}; echo '{}' >${bench.path("contract.json")}; read_contract`,
  );
  expect(status).not.toBe(0);
  expect(stderr).toContain("paths.state");
});
