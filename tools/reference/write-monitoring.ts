/** `scripts/docs`: writes the Grafana dashboard of examples/monitoring. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { grafanaExample, grafanaFile } from "./monitoring";

void grafanaExample().then((text) => writeFileSync(join(resolve(__dirname, "../.."), grafanaFile), text));
