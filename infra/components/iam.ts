/** Who may do what on which VM, and what they are called there. Pure. */
import type { FleetConfig } from "../config/fleet-config";

/** Who may log in to one VM, as IAM writes members: `user:…`, `group:…`. */
export interface Access {
  vm: string;
  zone: string;
  /** With sudo. */
  administrators: string[];
  /** Without. */
  users: string[];
}

/**
 * Who logs in where: the infra team to every VM as administrators; the developers' team to every VM as users, or, with
 * `access: owners`, each VM's owner alone. VMs that nobody may log in to are not there: their access is not this program's affair.
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

/** Everyone who may log in somewhere. */
export function peopleOf(all: readonly Access[]): string[] {
  return [...new Set(all.flatMap(({ administrators, users }) => [...administrators, ...users]))].sort();
}

/**
 * Always true. To IAM a role under a condition is another binding than the role alone. Earlier versions of this program made one resource
 * for each member, without a condition, and the provider removes those after it has written these: nobody loses access in between.
 */
export const ALWAYS = {
  title: "nixos-fleet",
  expression: 'request.time >= timestamp("2020-01-01T00:00:00Z")',
} as const;

/** The IAM policy of a VM, as JSON: who logs in to it and how. It is the whole policy, so what someone else adds to it goes. */
export function loginPolicy({ administrators, users }: Access): string {
  const bindings = [
    { role: "roles/compute.osAdminLogin", members: administrators, condition: ALWAYS },
    { role: "roles/compute.osLogin", members: users, condition: ALWAYS },
  ];
  return JSON.stringify({ bindings: bindings.filter(({ members }) => members.length > 0) });
}
