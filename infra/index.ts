/** The library: a fleet, its parts, and the shapes of their arguments. */
export { Fleet } from "./components/fleet";
export type { ExistingNetwork, FleetArgs } from "./fleet-args";
export type { FleetConfig, FleetSettings, VmConfig } from "./config/fleet-config";
export { FleetAccess, FleetAccount, type FleetAccessArgs, type FleetAccountArgs } from "./components/access";
export { FleetApis } from "./components/apis";
export { FleetCache, type FleetCacheArgs } from "./components/cache";
export { HomeDisks } from "./components/disks";
export { FleetImage } from "./components/image";
export { FleetMonitoring } from "./components/monitoring";
export { FleetNetwork, type FleetNetworkArgs } from "./components/network";
export { Rollout, type RolloutArgs } from "./components/rollout";
export { FleetSchedules, type FleetSchedulesArgs } from "./components/schedules";
export { FleetSecrets, type FleetSecretsArgs } from "./components/secrets";
export type { FleetVmOutputs } from "./components/outputs";
export type { WaveResult } from "./readme";
export { DevVm, type DevVmArgs, type DevVmOutputs } from "./components/vm";
export { ConfigError } from "./config-error";
export type { Approval } from "../rules/rollout/approval";
