/** Opens a cloud with one running machine and keeps it: `hold-cloud.ts STATE IMAGE [--down-after]`. For tests that kill it. */
import { openCloud } from "../../../local/machines/cloud";
import { downAfterUs } from "./host";

async function main(): Promise<void> {
  const [state, image, ending] = process.argv.slice(2);
  if (state === undefined || image === undefined) throw new Error("usage: hold-cloud.ts STATE IMAGE [--down-after]");
  if (ending === "--down-after") downAfterUs(state);
  const { machines, network } = await openCloud(state, image);
  await network.addGateway("10.0.0.1", 24);
  await network.listen(80, "169.254.169.254");
  network.spawnInside(["sleep", "1000"]);
  await machines.create({ name: "held", hostname: "held", address: "10.0.0.2", gateway: "10.0.0.1", prefixLength: 24 });
  await machines.start("held");
  process.send?.("running");
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
