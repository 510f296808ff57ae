/** Whom an IAM resource gives a role, and on what. */
import { PROJECT_READER } from "../rules/project-reader";
import { isUnknown, list, object, type Inputs } from "./inputs";

/** Grants of any resource: members of a role, or a role's members. */
const GRANT = /^gcp:.*IAM(Member|Binding)$/i;
/** Whole policies, whose bindings are in one JSON text. */
const POLICY = /^gcp:.*IAMPolicy$/i;
const OF_PROJECT = /^gcp:projects\/iAM(Member|Binding|Policy):/;
const CUSTOM_ROLE = "gcp:projects/iAMCustomRole:IAMCustomRole";
const BASIC = ["roles/owner", "roles/editor", "roles/viewer"];
const PUBLIC = ["allUsers", "allAuthenticatedUsers"];

/** Violations of a grant, or of the custom role that people may have on the project; none where the resource is neither. */
export function tooWide(type: string, inputs: Inputs): string[] {
  if (type === CUSTOM_ROLE) return beyondReading(inputs);
  if (POLICY.test(type)) return bindingsOf(inputs).flatMap((binding) => grantViolations(type, binding));
  return GRANT.test(type) ? grantViolations(type, inputs) : [];
}

/** The bindings of a whole policy; none while a preview cannot know it. The provider refuses a text that is not a policy. */
function bindingsOf(inputs: Inputs): Inputs[] {
  if (isUnknown(inputs, "policyData") || typeof inputs["policyData"] !== "string") return [];
  try {
    return list(object(JSON.parse(inputs["policyData"]))["bindings"]).map(object);
  } catch {
    return [];
  }
}

function grantViolations(type: string, inputs: Inputs): string[] {
  const members = ["member", "members"].flatMap((key) => (isUnknown(inputs, key) ? [] : [inputs[key]].flatMap(each)));
  // A custom role that is only being made has a name in the update itself.
  const role = isUnknown(inputs, "role") ? undefined : inputs["role"];
  const named = `role ${JSON.stringify(role)}`;
  const forPeople = !OF_PROJECT.test(type) || role === undefined || isProjectReader(role);
  return [
    ...(BASIC.some((basic) => basic === role) ? [`${named} is a basic role; give one that can do what it is for`] : []),
    ...members.flatMap((member) => {
      if (PUBLIC.includes(member)) return [`${named} goes to everybody (${member})`];
      return !forPeople && /^(user|group|domain):/.test(member)
        ? [`${named} goes to ${member} on the whole project; bind it to the VMs or to the account that it is for`]
        : [];
    }),
  ];
}

function isProjectReader(role: unknown): boolean {
  return typeof role === "string" && role.includes(`/roles/${PROJECT_READER.id}.`);
}

function beyondReading({ roleId, permissions }: Inputs): string[] {
  if (!isProjectReader(`/roles/${String(roleId)}`)) return [];
  return each(permissions)
    .filter((one) => !PROJECT_READER.permissions.includes(one))
    .map((one) => `role ${JSON.stringify(roleId)} is for people on the whole project and must not have ${one}`);
}

function each(value: unknown): string[] {
  return (Array.isArray(value) ? list(value) : [value]).filter((one) => typeof one === "string");
}
