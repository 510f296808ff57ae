/** What changes from one document to the next: of a thousand VMs few do, and only those are sent to the page. Pure. */
import type { FleetStatus, VmStatus } from "../../status/status";
import type { PageDocument } from "../document";

export interface PageChange {
  status: Omit<FleetStatus, "vms">;
  /** Every VM's name, in order; null if the list is the same as before. */
  names: string[] | null;
  /** The VMs that are new or differ. */
  vms: VmStatus[];
  /** The rest, if it differs. */
  rest: Omit<PageDocument, "status"> | null;
}

/** @param written keeps each VM's JSON from call to call, by the VM */
export function changeBetween(
  before: PageDocument,
  after: PageDocument,
  written = new WeakMap<VmStatus, string>(),
): PageChange {
  const text = (vm: VmStatus) => {
    const known = written.get(vm) ?? JSON.stringify(vm);
    written.set(vm, known);
    return known;
  };
  const old = new Map(before.status.vms.map((vm) => [vm.name, vm]));
  const { vms, ...status } = after.status;
  const { status: _before, ...restBefore } = before;
  const { status: _after, ...rest } = after;
  const same =
    vms.length === before.status.vms.length && vms.every(({ name }, at) => before.status.vms[at]?.name === name);
  return {
    status,
    names: same ? null : vms.map(({ name }) => name),
    vms: vms.filter((vm) => {
      const one = old.get(vm.name);
      return one === undefined || text(one) !== text(vm);
    }),
    rest: JSON.stringify(rest) === JSON.stringify(restBefore) ? null : rest,
  };
}

/** The next document. A VM that did not change stays the same object, so that its tile need not be drawn again. */
export function applyChange(before: PageDocument, { status, names, vms, rest }: PageChange): PageDocument {
  const fresh = new Map(vms.map((vm) => [vm.name, vm]));
  const old = new Map(before.status.vms.map((vm) => [vm.name, vm]));
  const order = names ?? before.status.vms.map(({ name }) => name);
  const { status: _, ...kept } = before;
  return {
    ...(rest ?? kept),
    status: { ...status, vms: order.flatMap((name) => fresh.get(name) ?? old.get(name) ?? []) },
  };
}
