/** A VM's first boot that is cut short: it has no agent of its own yet, and nothing to go back to. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { expectRuns } from "./complete";
import type { Blow } from "./interrupt";
import { Lab, limits } from "./lab";
import { patience } from "../setup/pace";
import { Tally } from "./tally";

const bootstrap = "nixos-auto-update-bootstrap.service";
const times = process.env["NIXOS_FLEET_LONG"] === undefined ? 1 : 5;
const tally = new Tally();
let lab: Lab;

beforeAll(async () => {
  lab = await Lab.open();
}, patience(300));
afterAll(async () => {
  console.log(tally.table());
  await lab.close();
}, patience(60));

const blows: Blow[] = ["SIGKILL", "power-off"];

describe.concurrent.each(blows)("%s", (blow) => {
  it.each(["fetching", "building", "switching", "keeping"])("while %s", async (stage) => {
    const source = await lab.source();
    await source.commit("slow");
    for (let time = 0; time < times; time++) {
      const name = `${blow.toLowerCase()}-${stage}-${time}`;
      await tally.count(`${blow} in the first boot, while ${stage}`, async () => {
        const vm = await lab.newVm(name, source);
        await vm.until(stage, `journalctl --unit=${bootstrap} --output=cat | grep -q '^→ ${stage} '`, 60);
        if (blow === "SIGKILL") await vm.sh(`systemctl kill --signal=KILL ${bootstrap}`);
        else await vm.powerOff();
        await vm.settle(limits);
        await expectRuns(await vm.facts(), source);
      });
      await lab.remove(name);
    }
  });
});
