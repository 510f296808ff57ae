/** Who may use the VMs. */
import * as z from "zod";
import { shapes } from "../../rules/shapes";
import { quote } from "./parse";
import { check } from "./schema";

const member = z.string().regex(shapes.member, "must be user:ADDRESS or group:ADDRESS");

export const accessKeys = {
  teams: z
    .strictObject({ infra: z.array(member).default([]), developers: z.array(member).default([]) })
    .meta({ examples: [{ infra: ["group:infra@example.com"] }] })
    .prefault({}),
  access: z.enum(["teams", "owners"]).default("teams"),
};

/** If only each VM's owner may log in to it, there must be owners, and IAM must know them. */
export const checkOwners = check(
  z.object({ access: z.literal("owners"), vms: z.array(z.object({ owner: z.string().min(1).optional() })) }),
  ({ vms }) =>
    vms.flatMap(({ owner }, index) => {
      const at = `vms[${index}].owner:`;
      if (owner === undefined) return [`${at} must be set where access is owners`];
      return member.safeParse(`user:${owner}`).success
        ? []
        : [`${at} ${quote(owner)} must be a person's address where access is owners`];
    }),
);
