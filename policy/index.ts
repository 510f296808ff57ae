/** The policy pack: `pulumi preview --policy-pack policy` with the official CLI, `--policy-pack policy/analyzer` with the built one. */
import { PolicyPack } from "@pulumi/policy";
import { RULES } from "./rules";

new PolicyPack("nixos-fleet", {
  policies: RULES.map(({ name, description, check }) => ({
    name,
    description,
    enforcementLevel: "mandatory",
    validateResource: ({ type, props }, report) => {
      for (const violation of check(type, props)) report(violation);
    },
  })),
});
