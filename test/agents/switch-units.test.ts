/**
 * What a switch does to each unit of nix/tests/switch-units.ts, asked on a real machine of the stand-in for switch-to-configuration. Where
 * NIXOS_FLEET_SWITCH names a build of the real program, that is asked the same.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Cloud, openCloud } from "../../local/machines/cloud";
import { type Action, templateOf, unitCases } from "../../nix/tests/switch-units";
import { buildImage, downAfterUs, serveMetadata } from "./setup/host";
import { until } from "./setup/until";

const real = process.env["NIXOS_FLEET_SWITCH"];
const state = mkdtempSync(path.join(tmpdir(), "switch-units-"));
const standIn = path.join(__dirname, "../../local/config-repo/stand-in/switch");
let cloud: Cloud;
let metadata: Server;

async function sh(command: string): Promise<string> {
  const { exitCode, stdout, stderr } = await cloud.machines.exec("switches", ["bash", "-c", command]);
  expect(exitCode, `${command.slice(0, 200)}\n${stdout}\n${stderr}`).toBe(0);
  return stdout + stderr;
}

const put = (file: string, text: string) => `cat >'${file}' <<'END-OF-FILE'\n${text}\nEND-OF-FILE\n`;

/** Writes the unit files of one of the two systems. */
async function writeSystem(which: "old" | "new"): Promise<void> {
  const folder = `/srv/${which}/etc/systemd/system`;
  const files = unitCases.flatMap((each) => [
    { name: templateOf(each.unit), text: each[which] },
    ...(each.beside ?? []).map((file) => ({ name: file.name, text: file[which] })),
  ]);
  const writes = files.map(({ name, text }) => (text === null ? "" : put(`${folder}/${name}`, text)));
  await sh(`mkdir -p ${folder} /srv/${which}/bin\n${writes.join("")}`);
}

async function startAll(): Promise<void> {
  const runtime = unitCases.filter((each) => each.state === "runtime").map((each) => each.unit);
  await sh(`
    ln -sfnT /srv/old/etc /etc/static
    for file in /etc/static/systemd/system/*; do ln -sfn "$file" /etc/systemd/system/; done
    mkdir -p /run/systemd/system.control
    for unit in ${runtime.join(" ")}; do cp /etc/static/systemd/system/$unit /run/systemd/system.control/; done
    systemctl daemon-reload`);
  const units = unitCases.flatMap(({ unit, beside = [] }) => [
    unit,
    ...beside.map(({ name }) => name).filter((name) => name.endsWith(".socket")),
  ]);
  const sockets = units.filter((unit) => unit.endsWith(".socket"));
  await sh(`systemctl start -- ${sockets.join(" ")}`);
  for (const { unit, state: wanted } of unitCases)
    await sh(`systemctl start -- '${unit}' || test '${wanted ?? ""}' = failed`);
}

/** What a dry activation says of each unit. */
function actions(said: string): Record<string, Action> {
  const named = (words: string) => {
    const list = new RegExp(`^would ${words} the following (?:changed )?units: (.*)$`, "m").exec(said)?.[1];
    return new Set(list?.split(", ") ?? []);
  };
  const [stop, start, restart, reload, skip] = ["stop", "start", "restart", "reload", "NOT stop"].map(named);
  const of = (unit: string): Action => {
    if (stop?.has(unit)) return start?.has(unit) ? "stop, start" : "stop";
    if (start?.has(unit)) return "start";
    if (restart?.has(unit)) return "restart";
    if (reload?.has(unit)) return "reload";
    return skip?.has(unit) ? "skip" : "none";
  };
  return Object.fromEntries(unitCases.map(({ unit }) => [unit, of(unit)]));
}

const expected = (cases: typeof unitCases) => Object.fromEntries(cases.map(({ unit, expect }) => [unit, expect]));

beforeAll(async () => {
  downAfterUs(state);
  cloud = await openCloud(state, await buildImage());
  await cloud.network.addGateway("10.132.0.1", 20);
  metadata = (await serveMetadata(cloud.network, "#!/bin/sh\n")).server;
  await cloud.machines.create({
    ...{ name: "switches", hostname: "switches.internal", address: "10.132.0.2" },
    ...{ gateway: "10.132.0.1", prefixLength: 20 },
  });
  await cloud.machines.start("switches");
  await until("the machine has booted", async () => {
    const argv = ["systemctl", "is-system-running"];
    const answer = await cloud.machines.exec("switches", argv).catch(() => undefined);
    return /running|degraded/.test(answer?.stdout ?? "");
  });
  await writeSystem("old");
  await writeSystem("new");
  await startAll();
});

afterAll(async () => {
  await cloud.close();
  metadata.close();
  rmSync(state, { recursive: true, force: true });
});

it("are what switch-to-configuration-ng does, in the stand-in", async () => {
  const file = (name: string) => readFileSync(path.join(standIn, name), "utf8");
  const parts = ["compare.bash", "plan.bash", "unit-file.bash", "users.bash"];
  await sh(`mkdir -p /srv/new/stand-in\n${parts.map((name) => put(`/srv/new/stand-in/${name}`, file(name))).join("")}`);
  await sh(`${put("/srv/new/bin/switch", file("switch-to-configuration.sh"))}chmod +x /srv/new/bin/switch`);
  expect(actions(await sh("/srv/new/bin/switch dry-activate"))).toEqual(expected(unitCases));
});

it.skipIf(real === undefined)("are what switch-to-configuration-ng does, in the real program", async () => {
  const binary = readFileSync(real ?? "").toString("base64");
  for (const part of binary.match(/.{1,100000}/g) ?? []) await sh(`printf %s '${part}' >>/srv/real.base64`);
  await sh(
    "base64 --decode /srv/real.base64 >/srv/real; chmod +x /srv/real; echo systemd 2 >/srv/new/init-interface-version",
  );
  const environment = {
    ...{ OUT: "/srv/new", TOPLEVEL: "/srv/new", DISTRO_ID: "debian", SYSTEMD: "/usr", LOCALE_ARCHIVE: "/none" },
    ...{ PRE_SWITCH_CHECK: "/bin/true", INSTALL_BOOTLOADER: "/bin/true", LOCAL_FS: "" },
  };
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const said = await sh(
    `mkdir -p /run/current-system/sw/bin; cp /srv/new/init-interface-version /run/current-system/; ${variables.join(" ")} /srv/real dry-activate`,
  );
  const known = unitCases.filter(({ newer }) => newer !== true);
  const all = actions(said);
  expect(Object.fromEntries(known.map(({ unit }) => [unit, all[unit]]))).toEqual(expected(known));
});
