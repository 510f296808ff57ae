import { createHash } from "node:crypto";
import { gatewayOf, maskOf, parseRange } from "../api/compute/network";
import { baseName, pathOf } from "../api/paths";
import { hostnameOf } from "../api/compute/power";
import type { Store } from "../api/store";
import type { Instance, Metadata, NetworkInterface } from "../api/types";

/** The metadata server's content: directories, lists (directories whose names are numbers) and values. */
export type Node = Value | Directory | List;

/** What a value can be. */
export type Json = string | number | readonly string[] | Readonly<Record<string, string | number>>;

export interface Value {
  kind: "value";
  /** As `alt=json` shows it. `alt=text` shows strings and numbers as they are, lists with one item per line, and objects as JSON too. */
  json: Json;
  /** Shown when requested directly and in listings, but not in recursive answers. */
  hidden?: boolean;
}

export interface Directory {
  kind: "directory";
  entries: Record<string, Node>;
  /** Names are a user's keys and stay the same in JSON; otherwise `some-name` becomes `someName` there. */
  verbatim?: boolean;
}

export interface List {
  kind: "list";
  items: Node[];
}

const value = (json: Json): Value => ({ kind: "value", json });
const directory = (entries: Record<string, Node>): Directory => ({ kind: "directory", entries });
const keyed = (entries: Record<string, Node>): Directory => ({ kind: "directory", entries, verbatim: true });
const list = (items: Node[]): List => ({ kind: "list", items });

/** Everything that one instance sees below `/computeMetadata/v1/`, except guest attributes. */
export function metadataTree(store: Store, instance: Instance): Directory {
  const { name, number, metadata } = store.state.project;
  return directory({
    instance: instanceTree(store, instance),
    project: directory({
      attributes: attributes(metadata),
      "numeric-project-id": value(Number(number)),
      "project-id": value(name),
    }),
    universe: directory({ "universe-domain": value("googleapis.com") }),
  });
}

function instanceTree(store: Store, instance: Instance): Directory {
  const { number, name: project } = store.state.project;
  const image = store.state.resources[pathOf(project, instance.disks[0]?.source ?? "")]?.resource["sourceImage"];
  return directory({
    attributes: attributes(instance.metadata),
    "cpu-platform": value("Intel Broadwell"),
    description: value(typeof instance["description"] === "string" ? instance["description"] : ""),
    disks: list(
      instance.disks.map(({ deviceName, index, mode }) =>
        directory({
          "device-name": value(deviceName),
          index: value(index),
          interface: value("SCSI"),
          mode: value(mode),
          type: value("PERSISTENT"),
        }),
      ),
    ),
    "guest-attributes": keyed({}),
    hostname: value(hostnameOf(instance, project)),
    id: value(Number(instance.id)),
    image: value(typeof image === "string" ? image.replace(/^.*\/(?=projects\/)/, "") : ""),
    licenses: list([]),
    "machine-type": value(`projects/${number}/machineTypes/${baseName(instance.machineType)}`),
    "maintenance-event": value("NONE"),
    name: value(instance.name),
    "network-interfaces": list(instance.networkInterfaces.map((nic) => interfaceTree(store, nic))),
    preempted: value("FALSE"),
    "remaining-cpu-time": value(-1),
    scheduling: directory({
      "automatic-restart": value("TRUE"),
      "on-host-maintenance": value("MIGRATE"),
      preemptible: value("FALSE"),
    }),
    "service-accounts": accounts(store, instance),
    tags: value(instance.tags.items ?? []),
    "virtual-clock": directory({ "drift-token": value("0") }),
    zone: value(`projects/${number}/zones/${baseName(instance.zone)}`),
  });
}

function attributes({ items = [] }: Metadata): Directory {
  return keyed(Object.fromEntries(items.map((item) => [item.key, value(item.value)])));
}

function interfaceTree(store: Store, nic: NetworkInterface): Directory {
  const subnetwork = store.state.resources[pathOf(store.project, nic.subnetwork)]?.resource;
  const range = parseRange(String(subnetwork?.["ipCidrRange"]));
  const mac = nic.networkIP.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
  return directory({
    "access-configs": list([]),
    "dns-servers": value(["169.254.169.254"]),
    "forwarded-ips": list([]),
    ...(range === undefined ? {} : { gateway: value(gatewayOf(range)), subnetmask: value(maskOf(range)) }),
    ip: value(nic.networkIP),
    "ip-aliases": list([]),
    // Derived from the address, as Compute does.
    mac: value(["42", "01", ...mac].join(":")),
    mtu: value(1460),
    network: value(`projects/${store.state.project.number}/networks/${baseName(nic.network)}`),
    "target-instance-ips": list([]),
  });
}

function accounts(store: Store, instance: Instance): Directory {
  const [account] = instance.serviceAccounts ?? [];
  if (account === undefined) {
    return keyed({});
  }
  const own = directory({
    aliases: value(["default"]),
    email: value(account.email),
    scopes: value(account.scopes),
    token: { kind: "value", json: token(instance, store.now()), hidden: true },
  });
  return keyed({ default: own, [account.email]: own });
}

/** An access token, the same for an hour, and its remaining seconds. The local API accepts any token. */
export function token({ id }: Instance, now: Date): { access_token: string; expires_in: number; token_type: string } {
  const seconds = Math.floor(now.getTime() / 1000);
  const hour = Math.floor(seconds / 3600);
  const access = createHash("sha256").update(`${id}/${hour}`).digest("base64url");
  return { access_token: `ya29.${access}`, expires_in: (hour + 1) * 3600 - seconds, token_type: "Bearer" };
}
