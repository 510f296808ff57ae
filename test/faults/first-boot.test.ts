/** A VM's first boot that is cut short: it has no agent of its own yet, and nothing to go back to. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { expectRuns } from "./expect-generation";
import type { Interruption } from "./interruption";
import { Lab, limits } from "./lab";
import { patience } from "../setup/pace";
import { FaultResults } from "./fault-results";

const bootstrap = "nixos-auto-update-bootstrap.service";
const times = process.env["NIXOS_FLEET_LONG"] === undefined ? 1 : 5;
const results = new FaultResults();
let lab: Lab;

beforeAll(async () => {
  lab = await Lab.open();
}, patience(300));
afterAll(async () => {
  console.log(results.table());
  await lab.close();
}, patience(60));

const interruptions: Interruption[] = ["SIGKILL", "power-off"];

describe.concurrent.each(interruptions)("%s", (interruption) => {
  it.each(["fetching", "building", "switching", "keeping"])("while %s", async (stage) => {
    const source = await lab.source();
    await source.commit("slow");
    for (let time = 0; time < times; time++) {
      const name = `${interruption.toLowerCase()}-${stage}-${time}`;
      await results.count(`${interruption} in the first boot, while ${stage}`, async () => {
        const vm = await lab.newVm(name, source);
        await vm.until(stage, `journalctl --unit=${bootstrap} --output=cat | grep -q '^→ ${stage} '`, 60);
        if (interruption === "SIGKILL") await vm.sh(`systemctl kill --signal=KILL ${bootstrap}`);
        else await vm.powerOff();
        await vm.settle(limits);
        await expectRuns(await vm.facts(), source);
      });
      await lab.remove(name);
    }
  });
});
