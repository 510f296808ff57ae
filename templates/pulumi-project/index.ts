import * as pulumi from "@pulumi/pulumi";
import { Fleet } from "nixos-fleet";

// Every setting is in Pulumi.<stack>.yaml: node_modules/nixos-fleet/docs/reference/settings.md has them all.
const fleet = new Fleet(new pulumi.Config("nixos-fleet").get("fleet") ?? "devs");

export const { readme, waves, vms, inputs, head } = fleet;
