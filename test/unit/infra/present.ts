/** A VM and its home disk as Compute has them, and the settings of a stack with this VM. */
import type { PresentDisk, PresentVm } from "../../../rules/contract";
import { checkSettings } from "./check-settings";

const whose = { fleet: "devs", stack: "dev" };
export const alice: PresentVm = {
  ...whose,
  name: "dev-alice",
  zone: "europe-west1-b",
  wave: "all",
  machineType: "e2-standard-4",
  running: true,
  up: true,
  deletionProtection: false,
  bootDiskGb: 100,
  cidr: "10.128.0.0/20",
};
export const home: PresentDisk = {
  ...whose,
  name: "dev-alice-home",
  zone: "europe-west1-b",
  type: "pd-balanced",
  sizeGb: 100,
  attachedTo: ["dev-alice"],
};

export function configured(vm: object = {}, more: Record<string, unknown> = {}) {
  const { config, mistakes } = checkSettings({ vms: [{ name: "dev-alice", ...vm }], ...more });
  if (!config) throw new Error(mistakes.join("\n"));
  return config;
}
