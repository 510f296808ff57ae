/** Every fault that a VM may meet, injected for real. What each comes to is in `kinds/`. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { type Fault, runFault, takesNext } from "./fault";
import { disk } from "./kinds/disk";
import { memory } from "./kinds/memory";
import { network } from "./kinds/network";
import { revisions } from "./kinds/revisions";
import { ownFiles } from "./kinds/state";
import { FaultResults } from "./fault-results";
import { patience } from "../setup/pace";
import { VmPool } from "./vm-pool";

const times = process.env["NIXOS_FLEET_LONG"] === undefined ? 1 : 5;
const results = new FaultResults();
let pool: VmPool;

beforeAll(async () => {
  pool = await VmPool.open(3);
}, patience(300));
afterAll(async () => {
  console.log(results.table());
  await pool.close();
}, patience(60));

const kinds: Record<string, Fault[]> = { revisions, network, disk, memory, "own files": ownFiles };

describe.concurrent.each(Object.entries(kinds))("%s", (_, faults) => {
  it.for(faults)("$name", async (fault) => {
    for (let time = 0; time < times; time++)
      await pool.use((lease) => results.count(fault.name, () => runFault(lease, fault)));
  });
});

it("each VM takes the next good revision after its last fault", () => pool.each(takesNext));
