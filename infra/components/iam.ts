/** Who may do what on which VM, and how IAM writes it. Pure. */
import type { FleetConfig } from "../config/fleet-config";

/** Who may log in to one VM, in IAM's form for members: `user:…`, `group:…`. */
export interface Access {
  vm: string;
  zone: string;
  /** With sudo. */
  administrators: string[];
  /** Without sudo. */
  users: string[];
}

/**
 * Who may log in where. The infra team may log in to every VM as administrators. The developers' team may log in to every VM as users; with
 * `access: owners`, only each VM's owner may. A VM without any such member is left out: this program does not manage its access.
 */
export function accessOf({ teams, access, vms }: Pick<FleetConfig, "teams" | "access" | "vms">): Access[] {
  const unique = (members: readonly string[]) => [...new Set(members.map((member) => member.toLowerCase()))].sort();
  const administrators = unique(teams.infra);
  return vms.flatMap(({ name: vm, zone, owner }) => {
    const owners = owner === undefined ? [] : [`user:${owner}`];
    const users = unique(access === "owners" ? owners : teams.developers).filter(
      (one) => !administrators.includes(one),
    );
    return administrators.length + users.length === 0 ? [] : [{ vm, zone, administrators, users }];
  });
}

/** Everyone who may log in to any VM. */
export function peopleOf(all: readonly Access[]): string[] {
  return [...new Set(all.flatMap(({ administrators, users }) => [...administrators, ...users]))].sort();
}

/**
 * Always true. To IAM, a role with a condition is another binding than the role alone. Earlier versions of this program made one resource
 * for each member, without a condition, and the provider removes those after it has written these. So everyone keeps access in between.
 */
export const ALWAYS = {
  title: "nixos-fleet",
  expression: 'request.time >= timestamp("2020-01-01T00:00:00Z")',
} as const;

/**
 * Always true, and another for each stack. To IAM, another description makes another binding, so stacks that share an account do not remove
 * each other's members.
 */
export function stackCondition({ fleet, stack }: Pick<FleetConfig, "fleet" | "stack">) {
  return { ...ALWAYS, description: `nixos-fleet: fleet ${fleet}, stack ${stack}` };
}

/** The IAM policy of a VM, as JSON: who may log in to it and how. It is the whole policy, so bindings that others add are removed. */
export function loginPolicy({ administrators, users }: Access): string {
  const bindings = [
    { role: "roles/compute.osAdminLogin", members: administrators, condition: ALWAYS },
    { role: "roles/compute.osLogin", members: users, condition: ALWAYS },
  ];
  return JSON.stringify({ bindings: bindings.filter(({ members }) => members.length > 0) });
}
