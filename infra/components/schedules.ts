import * as pulumi from "@pulumi/pulumi";
import * as compute from "@pulumi/gcp/compute";
import { getProjectOutput, IAMMember } from "@pulumi/gcp/projects";
import { ConfigError } from "../config-error";
import type { FleetConfig } from "../config/fleet-config";
import { customRole } from "./custom-role";
import { aliasesOf } from "./state-move";
import { schedulePolicyName } from "../config/names";
import type { DevVm } from "./vm";

export interface FleetSchedulesArgs {
  config: FleetConfig;
  /** By VM name. */
  vms: Record<string, DevVm>;
  /** What enables the API that tells the project's number. */
  projectApi: pulumi.Resource | undefined;
}

/** Starts and stops groups of VMs on a schedule. Compute decides what runs: no VM resource sets its desired state. */
export class FleetSchedules extends pulumi.ComponentResource {
  constructor(name: string, { config, vms, projectApi }: FleetSchedulesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nixos-fleet:infra:FleetSchedules", name, {}, opts);
    const agent = this.allowAgent(name, config, projectApi);
    for (const { name: schedule, start, stop, timeZone } of config.schedules) {
      const policy = new compute.ResourcePolicy(
        schedulePolicyName(name, schedule),
        {
          region: config.region,
          instanceSchedulePolicy: {
            timeZone,
            ...(start === undefined ? {} : { vmStartSchedule: { schedule: start } }),
            ...(stop === undefined ? {} : { vmStopSchedule: { schedule: stop } }),
          },
        },
        // Compute refuses a schedule that it could not carry out.
        { parent: this, dependsOn: agent },
      );
      for (const { name: vm, zone } of config.vms.filter((one) => one.schedule === schedule)) {
        const instance = vms[vm]?.instance.name;
        if (instance === undefined) continue;
        new compute.ResourcePolicyAttachment(
          `${name}-${vm}-schedule`,
          { name: policy.name, instance, zone },
          // Compute refuses a second schedule for a VM.
          { parent: this, deleteBeforeReplace: true, ...aliasesOf(config) },
        );
      }
    }
    this.registerOutputs({});
  }

  /** Lets Compute's own agent, which runs the schedules, start and stop VMs, and nothing else. */
  private allowAgent(name: string, config: FleetConfig, projectApi: pulumi.Resource | undefined): IAMMember {
    const role = customRole(
      `${name}-schedule-role`,
      {
        config,
        id: "nixosFleet.schedules",
        title: "Schedules",
        permissions: ["compute.instances.start", "compute.instances.stop"],
      },
      { parent: this },
    );
    const { project } = config;
    // Does not use organizations.getProject, which also asks Cloud Billing. Depends on one API alone: in a preview that enables another
    // one, the number would be unknown, and the agent's role would seem to be replaced.
    const number = getProjectOutput(
      { filter: `id:${project}` },
      { parent: this, ...(projectApi === undefined ? {} : { dependsOn: projectApi }) },
    ).projects.apply((found) => {
      const own = found.find(({ projectId }) => projectId === project);
      if (own) return own.number;
      throw new ConfigError(
        [
          `gcp:project: ${project} is not among the projects that this identity sees; schedules take its number (resourcemanager.projects.get)`,
        ],
        "NF103",
      );
    });
    return new IAMMember(
      `${name}-schedule-agent`,
      {
        project,
        role: role.name,
        member: pulumi.interpolate`serviceAccount:service-${number}@compute-system.iam.gserviceaccount.com`,
      },
      { parent: this },
    );
  }
}
