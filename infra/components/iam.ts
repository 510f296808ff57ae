/** Who may do what on which VM, and what they are called there. Pure. */
import type { FleetConfig } from "../config/fleet-config";
import { shortDigest } from "../config/digest";

/** OS Login's limit for a user name. */
const LOGIN_LENGTH = 32;
/** IAM's limit for a service account's id. */
const ACCOUNT_LENGTH = 30;

/** One person or group that may log in to one VM. */
export interface Grant {
  vm: string;
  zone: string;
  /** As IAM writes it: `user:…`, `group:…`. */
  member: string;
  role: "roles/compute.osLogin" | "roles/compute.osAdminLogin";
}

/**
 * Who logs in where: the infra team to every VM as an administrator; the developers' team to every VM as users, or, with
 * `access: owners`, each VM's owner alone. Without teams and owners nobody: access is then not this program's affair.
 */
export function grants({ teams, access, vms }: Pick<FleetConfig, "teams" | "access" | "vms">): Grant[] {
  return vms.flatMap(({ name: vm, zone, owner }) => {
    const owners = owner === undefined ? [] : [`user:${owner}`];
    const users = (access === "owners" ? owners : teams.developers).filter((member) => !teams.infra.includes(member));
    return [
      ...teams.infra.map((member): Grant => ({ vm, zone, member, role: "roles/compute.osAdminLogin" })),
      ...users.map((member): Grant => ({ vm, zone, member, role: "roles/compute.osLogin" })),
    ];
  });
}

/** A member as part of a resource's name: `user:alice@example.com` → `user-alice-example-com`. */
export function memberName(member: string): string {
  return member.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}

/** The user name that OS Login gives a person by default: the whole address, what a user name cannot have as `_`. */
export function osLoginName(email: string): string {
  return email
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, "_")
    .slice(0, LOGIN_LENGTH);
}

/** What the owners are called on their VMs, by VM name. */
export function logins(vms: readonly { name: string; owner?: string }[]): Record<string, string> {
  return Object.fromEntries(
    vms.flatMap(({ name, owner }) => (owner === undefined ? [] : [[name, osLoginName(owner)]])),
  );
}

/**
 * The id of the VMs' service account, another one for each fleet and stack of a project; a digest where it would be too long, or where
 * another fleet and stack would read the same.
 */
export function accountId(fleet: string, stack: string): string {
  const whole = `fleet-${fleet}-${stack}`;
  if (whole.length <= ACCOUNT_LENGTH && !fleet.includes("-")) return whole;
  return `${whole.slice(0, ACCOUNT_LENGTH - 9).replace(/-+$/, "")}-${shortDigest(`${fleet}/${stack}`)}`;
}

/** The id of the custom role that schedules take, in IAM's letters and within its 64. */
export function scheduleRoleId(fleet: string, stack: string): string {
  return `nf.${fleet}.${stack}`.replaceAll("-", "_");
}
