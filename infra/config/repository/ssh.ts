/** How a rollout starts updates in addition to the VMs' own watching. */
import * as z from "zod";
import { isAccepted } from "../../host-key";
import { quote } from "../parse";
import { check, port, userName } from "../schema";

const trigger = z.enum(["watch", "ssh"]);
const address = z
  .string()
  .regex(/^[^:\s-][^:\s]*:[0-9]+$/, { error: "must be HOST:PORT", abort: true })
  .refine(
    (text) => port.safeParse(Number(text.split(":")[1])).success,
    "must be HOST:PORT with a port from 1 to 65535",
  );
const addresses = z.record(z.string(), address);
const hostKey = z
  .string()
  .regex(/^[a-z0-9@.-]+ [A-Za-z0-9+/=]+$/, { error: "must be a host key, such as ssh-ed25519 AAAA…", abort: true })
  .refine(
    (text) => isAccepted(text.split(" ")[0] ?? ""),
    "must be the ed25519 or ecdsa host key of the bastion; Pulumi's command provider does not accept RSA",
  );

export const sshKeys = {
  trigger: trigger.default("watch"),
  ssh: z
    .strictObject({
      user: userName.default("fleet-trigger"),
      port: port.default(22),
      addresses: addresses.default({}),
      bastion: z
        .strictObject({
          host: z.string().regex(/^[^\s-]\S*$/, "must be a host name or an address"),
          port: port.default(22),
          user: userName,
          hostKey: hostKey.optional(),
        })
        .optional(),
    })
    .prefault({}),
  sshPrivateKey: z.string().optional(),
};

/** Triggers need a key, and addresses must belong to VMs. */
export const checkSsh = [
  check(z.object({ trigger: z.literal("ssh"), sshPrivateKey: z.undefined().optional() }), () => [
    "sshPrivateKey: must be set where trigger is ssh (pulumi config set --secret nixos-fleet:sshPrivateKey)",
  ]),
  check(z.object({ vms: z.array(z.object({ name: z.string() })), ssh: z.object({ addresses }) }), ({ vms, ssh }) =>
    Object.keys(ssh.addresses)
      .filter((address) => !vms.some(({ name }) => name === address))
      .map((address) => `ssh.addresses: ${quote(address)} is not a VM of this fleet`),
  ),
];
