/** The library: a fleet as one component, and the shapes of its arguments and outputs. */
export { Fleet, type FleetOutputs } from "./components/fleet";
export { ConfigError } from "./config-error";
export type { ExistingNetwork, FleetArgs } from "./fleet-args";
export type { FleetSettings } from "./config/fleet-settings";
export type { FleetVmOutputs } from "./components/outputs";
export type { WaveResult } from "./readme";
