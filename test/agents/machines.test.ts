/** The local cloud's machines, for real: containers, namespaces, disks. Needs root on Linux. */
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import os from "node:os";
import path from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cloud, openCloud } from "../../local/machines/cloud";
import type { MachineSpec } from "../../local/machines/driver";
import { cloudNames, machineNames } from "../../local/machines/names";
import { bridge } from "../../local/machines/network";
import { buildImage, downAfterUs, serveMetadata, traces } from "./setup/host";
import { patience } from "../setup/pace";
import { until, untilGone } from "./setup/until";

// Overlayfs and shells give a meaning to all of these.
const scratch = mkdtempSync(path.join(os.tmpdir(), "machines, a:test-"));
const state = path.join(scratch, "state");
const gateway = "10.132.0.1";
const one: MachineSpec = {
  name: "dev-one",
  hostname: "dev-one.europe-west1-b.c.a-project-with-a-name-of-thirty-chars.internal",
  address: "10.132.0.2",
  gateway,
  prefixLength: 20,
};
const two: MachineSpec = { ...one, name: "dev-two", hostname: "dev-two.internal", address: "10.132.0.3" };

let cloud: Cloud;
let metadata: { server: Server; written: Map<string, string> };
const exits: string[] = [];

/** What a shell command in a machine printed; it has to succeed. */
async function sh(name: string, command: string): Promise<string> {
  const { exitCode, stdout, stderr } = await cloud.machines.exec(name, ["sh", "-c", command]);
  expect({ command, exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ command, exitCode: 0, stderr: "" });
  return stdout.trim();
}

/** Waits until a machine has booted to `running`: nothing failed. */
async function booted(name: string): Promise<void> {
  let answer = "";
  await until(`${name} runs (it is ${answer})`, async () => {
    const result = await cloud.machines.exec(name, ["systemctl", "is-system-running"]).catch(() => undefined);
    answer = result?.stdout.trim() ?? "rebooting";
    if (answer === "degraded") throw new Error(await sh(name, "systemctl --failed; journalctl -b -p err"));
    return answer === "running";
  });
}

async function bootId(name: string): Promise<string | undefined> {
  const result = await cloud.machines.exec(name, ["cat", "/proc/sys/kernel/random/boot_id"]).catch(() => undefined);
  return result?.exitCode === 0 ? result.stdout.trim() : undefined;
}

/** Runs an action that restarts a machine, and waits until it has booted. */
async function rebooted(name: string, action: () => Promise<unknown>): Promise<void> {
  const before = await bootId(name);
  await action();
  await until(`${name} boots again`, async () => {
    const now = await bootId(name);
    return now !== undefined && now !== before;
  });
  await booted(name);
}

beforeAll(async () => {
  downAfterUs(state);
  cloud = await openCloud(state, await buildImage());
  cloud.machines.onExit((name) => exits.push(name));
  await cloud.network.addGateway(gateway, 20);
  metadata = await serveMetadata(cloud.network, "#!/bin/sh\necho the startup script ran\necho ran >>/var/starts\n");
  await Promise.all(
    [one, two].map(async (spec) => {
      await cloud.machines.create(spec);
      await cloud.machines.start(spec.name);
      await booted(spec.name);
    }),
  );
}, patience(300));

afterAll(async () => {
  await cloud.close();
  metadata.server.close();
  await untilGone(state);
  rmSync(scratch, { recursive: true });
}, patience(60));

describe("a running machine", { timeout: patience(60) }, () => {
  it("has its own address, interface and names", async () => {
    expect(await sh(one.name, "ip -4 -brief address show eth0")).toContain("10.132.0.2/20");
    expect(await sh(one.name, "cat /sys/class/net/eth0/address")).toBe("42:01:0a:84:00:02");
    expect(await sh(one.name, "hostname; hostname -f")).toBe(`dev-one\n${one.hostname}`);
    expect(await sh(one.name, "getent hosts git.internal metadata.google.internal")).toMatch(
      /^10\.132\.0\.1 .*\n169\.254/,
    );
    const ids = await Promise.all([one, two].map(({ name }) => sh(name, "cat /etc/machine-id")));
    expect(ids[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(ids[0]).not.toBe(ids[1]);
  });

  it("reaches the other machine, and knows at once that it reaches nothing else", async () => {
    expect(await sh(one.name, `bash -c 'head -c 7 </dev/tcp/${two.address}/22'`)).toBe("SSH-2.0");
    // 7: could not connect; 28 would be that no one answered in time.
    const { exitCode } = await cloud.machines.exec(one.name, [
      "curl",
      "--silent",
      "--max-time",
      "30",
      "http://192.0.2.1/",
    ]);
    expect(exitCode).toBe(7);
  });

  it("meets the same bridge whatever other machines come and go", async () => {
    const { stdout } = await execa`ip -n ${cloudNames(state).namespace} -json link show`;
    const links = JSON.parse(stdout) as { ifname: string; address: string; master?: string }[];
    const ports = links.filter(({ master }) => master === bridge).map(({ address }) => address);
    expect(ports).toHaveLength(2);
    // An address of its own, then, and not one of its ports'.
    expect(ports).not.toContain(links.find(({ ifname }) => ifname === bridge)?.address);
  });

  it("runs the startup script with Google's runner and shows it on the serial console", async () => {
    expect(await sh(one.name, "cat /var/starts")).toBe("ran");
    expect(await cloud.machines.serial(one.name)).toContain("startup-script: the startup script ran");
  });

  it("publishes its SSH host keys, and they are the ones that sshd shows", async () => {
    const key = await sh(one.name, "cut -d' ' -f2 /etc/ssh/ssh_host_ed25519_key.pub");
    await until("the key is published", () => metadata.written.has(`${one.address} hostkeys/ssh-ed25519`));
    expect(metadata.written.get(`${one.address} hostkeys/ssh-ed25519`)).toBe(key);
    expect(await sh(two.name, `ssh-keyscan -t ed25519 ${one.address} 2>/dev/null`)).toContain(key);
    expect(metadata.written.get(`${two.address} hostkeys/ssh-ed25519`)).not.toBe(key);
  });

  it("can be dialled from the host", async () => {
    const socket = await cloud.network.dial(one.address, 22);
    const [data] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    expect(data.toString()).toMatch(/^SSH-2\.0/);
    await expect(cloud.network.dial(one.address, 23)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("is not seen in the host's mounts and links", () => {
    const { namespace, cgroup } = cloudNames(state);
    const elsewhere = traces(state).filter((line) => !line.includes(namespace) && !line.includes(cgroup));
    expect(elsewhere).toEqual([]);
  });

  it("builds flakes offline, as root and as a user through the daemon", async () => {
    await sh(one.name, "useradd --create-home --shell /bin/bash alice");
    const flake = `{ outputs = _: let build = name: derivation {
        inherit name; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo \${name} >$out" ];
      }; in { user = build "user"; root = build "root"; }; }`;
    await sh(one.name, `mkdir /srv/flake && cat >/srv/flake/flake.nix <<'END'\n${flake}\nEND`);
    const build = (what: string) => `cat $(nix build --no-link --print-out-paths path:/srv/flake#${what})`;
    expect(await sh(one.name, `runuser -l alice -c '${build("user")}'`)).toBe("user");
    expect(await sh(one.name, build("root"))).toBe("root");
    expect(await sh(one.name, "runuser -l alice -c 'nix store info --json'")).toContain('"trusted":0');
  });

  it("keeps a user's manager running with linger", async () => {
    await sh(one.name, "id alice 2>/dev/null || useradd --create-home alice; loginctl enable-linger alice");
    await until("alice's manager runs", async () => {
      const argv = ["systemctl", "--user", "--machine=alice@", "is-system-running"];
      return (await cloud.machines.exec(one.name, argv)).stdout.trim() === "running";
    });
    const user = "systemd-run --user --machine=alice@ --wait --pipe --quiet";
    expect(await sh(one.name, `${user} id --user --name`)).toBe("alice");
    expect(await sh(one.name, `${user} printenv PATH`)).toMatch(
      /^\/home\/alice\/\.nix-profile\/bin:.*\/run\/current-system\/sw\/bin/,
    );
  });
});

describe("a machine's life", { timeout: patience(60) }, () => {
  it("reboots from inside, with its disk and address, and no exit", async () => {
    await sh(one.name, "echo kept >/srv/kept");
    const starts = Number(await sh(one.name, "wc -l </var/starts"));
    await rebooted(one.name, () => cloud.machines.exec(one.name, ["systemctl", "reboot"]).catch(() => undefined));
    expect(await sh(one.name, "cat /srv/kept")).toBe("kept");
    expect(await sh(one.name, "ip -4 -brief address show eth0")).toContain("10.132.0.2/20");
    expect(await sh(one.name, "wc -l </var/starts")).toBe(String(starts + 1));
    expect(exits).toEqual([]);
  });

  it("activates the system profile before systemd starts", async () => {
    await sh(
      one.name,
      `mkdir -p /nix/store/system && cat >/nix/store/system/activate <<'END'
#!/bin/sh
cat /proc/1/comm >/run/activated
exit 3
END
chmod +x /nix/store/system/activate && ln -s /nix/store/system /nix/var/nix/profiles/system`,
    );
    await rebooted(one.name, () => cloud.machines.exec(one.name, ["systemctl", "reboot"]).catch(() => undefined));
    expect(await sh(one.name, "cat /run/activated; readlink /run/booted-system")).toBe("init\n/nix/store/system");
    expect(await cloud.machines.serial(one.name)).toContain("activation ended with status 3");
    await sh(one.name, "rm /nix/var/nix/profiles/system");
  });

  it("stops in order and starts with its disk", async () => {
    await sh(
      one.name,
      "systemd-run --quiet --property=ExecStop='/bin/touch /srv/stopped' --unit=witness sleep infinity",
    );
    await cloud.machines.stop(one.name);
    await expect(cloud.machines.exec(one.name, ["true"])).rejects.toThrow("machine dev-one is not running");
    await cloud.machines.stop(one.name);
    await cloud.machines.start(one.name);
    await booted(one.name);
    expect(await sh(one.name, "ls /srv/stopped /srv/kept")).toBe("/srv/kept\n/srv/stopped");
    expect(exits).toEqual([]);
  });

  it("is not kept from its end by a command that runs in it", async () => {
    const sleeping = cloud.machines.exec(one.name, ["sleep", "infinity"]).then(
      ({ exitCode }) => exitCode,
      () => "ended with the machine",
    );
    await rebooted(one.name, () => cloud.machines.exec(one.name, ["systemctl", "reboot"]).catch(() => undefined));
    expect(await sleeping).not.toBe(0);
  });

  it("is reset without any shutdown", async () => {
    await sh(one.name, "nft add table ip of-this-boot");
    await sh(
      one.name,
      "rm /srv/stopped; systemd-run --quiet --property=ExecStop='/bin/touch /srv/stopped' --unit=witness sleep infinity",
    );
    await rebooted(one.name, () => cloud.machines.reset(one.name));
    expect(await sh(one.name, "ls /srv")).not.toContain("stopped");
    expect(await sh(one.name, "nft list tables")).not.toContain("of-this-boot");
    expect(exits).toEqual([]);
  });

  it("says that it powered itself off, and can be started again", async () => {
    await cloud.machines.exec(two.name, ["systemctl", "poweroff"]).catch(() => undefined);
    await until("the exit is reported", () => exits.length > 0);
    expect(exits.splice(0)).toEqual([two.name]);
    await cloud.machines.start(two.name);
    await booted(two.name);
  });

  it("is taken up again where it is created twice", async () => {
    await cloud.machines.stop(two.name);
    await cloud.machines.create(two);
    await cloud.machines.start(two.name);
    await booted(two.name);
    expect(await sh(two.name, "cat /var/starts")).toMatch(/ran\nran/);
  });

  it("is gone with its disk after its deletion", async () => {
    const { directory, namespace } = machineNames(cloudNames(state), two.name);
    await cloud.machines.delete(two.name);
    await cloud.machines.delete(two.name);
    expect(existsSync(directory)).toBe(false);
    expect(existsSync(`/run/netns/${namespace}`)).toBe(false);
    await expect(cloud.machines.start(two.name)).rejects.toThrow("there is no machine dev-two");
    await expect(cloud.network.dial(two.address, 22)).rejects.toMatchObject({ code: "EHOSTUNREACH" });
    await cloud.machines.create(two);
    await cloud.machines.start(two.name);
    await booted(two.name);
    expect(await sh(two.name, "wc -l </var/starts")).toBe("1");
    expect(exits).toEqual([]);
  });
});
