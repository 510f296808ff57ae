/** A router's NAT. Compute has no such resource: the NAT is an entry in the router, changed by patching the whole list. */
import { isObject, text, type Props } from "../../core/value";
import type { Api } from "../api";
import { decode, encode, type Fields } from "../fields";
import { leaf, linkTo, type Scope } from "../links";
import { Mutex } from "../mutex";
import { SUBNETWORKS } from "./network";
import type { Kind } from "../resource";

const subnetworks: Fields = {
  name: { to: linkTo(SUBNETWORKS) },
  sourceIpRangesToNats: { rest: "sourceIpRangesToNat", unordered: true },
  secondaryIpRangeNames: { unordered: true },
};

const fields: Fields = {
  natIpAllocateOption: { inPlace: true },
  natIps: { inPlace: true, unordered: true, to: linkTo("regions/{region}/addresses") },
  sourceSubnetworkIpRangesToNat: { inPlace: true },
  subnetworks: { inPlace: true, of: subnetworks },
  minPortsPerVm: { computed: true, inPlace: true },
  maxPortsPerVm: { inPlace: true },
  enableDynamicPortAllocation: { computed: true, inPlace: true },
  enableEndpointIndependentMapping: { computed: true, inPlace: true },
  udpIdleTimeoutSec: { inPlace: true, otherwise: 30 },
  icmpIdleTimeoutSec: { inPlace: true, otherwise: 30 },
  tcpEstablishedIdleTimeoutSec: { inPlace: true, otherwise: 1200 },
  tcpTransitoryIdleTimeoutSec: { inPlace: true, otherwise: 30 },
  tcpTimeWaitTimeoutSec: { inPlace: true, otherwise: 120 },
  logConfig: { inPlace: true, of: { enable: {}, filter: {} } },
  autoNetworkTier: { computed: true, inPlace: true },
  type: { otherwise: "PUBLIC" },
};

const changing = new Mutex();

export const routerNat: Kind = {
  token: "gcp:compute/routerNat:RouterNat",
  storesFailed: true,
  args: ["compute/routerNat.d.ts", "RouterNatArgs"],
  place: "region",
  named: true,
  fields: { ...fields, router: { own: true } },
  computed: ["id"],
  create: async (inputs, scope, { api }) => {
    const router = leaf(inputs["router"]);
    const name = text(inputs, "name") ?? "";
    const id = `${scope.project}/${scope.region ?? ""}/${router}/${name}`;
    await withNats(api, id, (nats) => {
      if (nats.some((nat) => nat["name"] === name)) throw new Error(`router ${router} already has a NAT named ${name}`);
      return [...nats, natBody(inputs, scope)];
    });
    return { id, state: (await find(api, id, inputs)) ?? {} };
  },
  read: (id, inputs, { api }) => find(api, id, inputs),
  update: async (id, { inputs }, { api }) => {
    const { name, scope } = parts(id);
    await withNats(api, id, (nats) => nats.map((nat) => (nat["name"] === name ? natBody(inputs, scope) : nat)));
    return (await find(api, id, inputs)) ?? {};
  },
  delete: async (id, _, { api }) => {
    // If its router is gone, the NAT is gone too.
    if (!(await api.find(parts(id).router))) return;
    await withNats(api, id, (nats) => nats.filter((nat) => nat["name"] !== parts(id).name));
  },
};

/** A NAT's entry in its router. Pure. */
export function natBody(inputs: Props, scope: Scope): Props {
  return { name: inputs["name"] ?? "", ...encode(fields, inputs, scope) };
}

/** `P/R/router/nat`, the official provider's ids. */
function parts(id: string): { router: string; name: string; scope: { project: string; region: string } } {
  const [project = "", region = "", router = "", name = ""] = id.split("/");
  return { router: `projects/${project}/regions/${region}/routers/${router}`, name, scope: { project, region } };
}

async function find(api: Api, id: string, inputs: Props): Promise<Props | undefined> {
  const { router, name, scope } = parts(id);
  const answer = await api.find(router);
  const nat = natsOf(answer ?? {}).find((entry) => entry["name"] === name);
  if (!nat) return undefined;
  const known = { ...inputs, ...decode(fields, nat) };
  return { ...known, id, name, ...scope, router: inputs["router"] ?? leaf(router) };
}

async function withNats(api: Api, id: string, next: (nats: Props[]) => Props[]): Promise<void> {
  const { router } = parts(id);
  await changing.run(router, async () => {
    const current = await api.send({ method: "GET", path: router });
    await api.change({ method: "PATCH", path: router, body: { nats: next(natsOf(current)) } });
  });
}

function natsOf(router: Props): Props[] {
  const { nats } = router;
  return Array.isArray(nats) ? nats.filter(isObject) : [];
}
