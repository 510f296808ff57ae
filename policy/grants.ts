/** Whom an IAM resource gives a role, and on what. */
import { isUnknown, list, type Inputs } from "./inputs";

/** Grants of any resource: members of a role, or a role's members. */
const GRANT = /^gcp:.*IAM(Member|Binding)$/i;
const OF_PROJECT = /^gcp:projects\/iAM(Member|Binding):/;
const BASIC = ["roles/owner", "roles/editor", "roles/viewer"];
const PUBLIC = ["allUsers", "allAuthenticatedUsers"];

/** Violations of a grant; none where the resource is no grant. */
export function tooWide(type: string, inputs: Inputs): string[] {
  if (!GRANT.test(type)) return [];
  const members = ["member", "members"].flatMap((key) => (isUnknown(inputs, key) ? [] : [inputs[key]].flatMap(each)));
  const role = isUnknown(inputs, "role") ? undefined : inputs["role"];
  const named = `role ${JSON.stringify(role)}`;
  return [
    ...(BASIC.some((basic) => basic === role) ? [`${named} is a basic role; give one that can do what it is for`] : []),
    ...members.flatMap((member) => {
      if (PUBLIC.includes(member)) return [`${named} goes to everybody (${member})`];
      return OF_PROJECT.test(type) && /^(user|group|domain):/.test(member)
        ? [`${named} goes to ${member} on the whole project; bind it to the VMs or to the account that it is for`]
        : [];
    }),
  ];
}

function each(value: unknown): string[] {
  return (Array.isArray(value) ? list(value) : [value]).filter((one) => typeof one === "string");
}
