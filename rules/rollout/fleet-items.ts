/** What a project's metadata says about a fleet: its waves' approvals and its control item. Pure. */
import { controlKey } from "../contract";
import { own, type Parsed } from "../text/json";
import { readApprovals, type ReadApprovals } from "./approval";
import { parseControl, type Control } from "./control-item";

interface FleetItems {
  approvals: ReadApprovals;
  control: Parsed<Control>;
}

/** A fleet's items, by the names of fleet and stack. */
export type FleetItemsReader = (fleet: string, stack: string) => FleetItems;

/**
 * Reads each fleet's items once: a status decides for each VM, and an approval grows with the homes that have their own repositories. Else
 * the cost of a status would grow with the square of the fleet.
 */
export function fleetItemsReader(attributes: Readonly<Record<string, string>>): FleetItemsReader {
  const read = new Map<string, FleetItems>();
  return (fleet, stack) => {
    const key = controlKey(fleet, stack);
    const known = read.get(key);
    if (known !== undefined) return known;
    const items = {
      approvals: readApprovals(attributes, fleet, stack),
      control: parseControl(own(attributes, key)),
    };
    read.set(key, items);
    return items;
  };
}
