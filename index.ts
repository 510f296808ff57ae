/** The Pulumi program: the fleet that the stack's configuration describes. */
import * as pulumi from "@pulumi/pulumi";
import { Fleet } from "./infra";

const fleet = new Fleet(new pulumi.Config("nixos-fleet").get("fleet") ?? "devs");

export const { readme, waves, vms, inputs, head } = fleet;
