/** Alerts about the fleet's updates; without this key there are none. */
import * as z from "zod";

/** VMs report once an hour (`heartbeat` of the contract), so the minimum is two hours. */
const hours = z
  .string()
  .regex(/^([2-9]|1[0-9]|2[0-4])h$/, 'must be from "2h" to "24h": VMs report once an hour')
  .transform((written) => parseInt(written, 10) * 3600);

export const monitoringKeys = {
  monitoring: z
    .strictObject({
      channels: z
        .array(
          z
            .string()
            .regex(
              /^(email:[^@\s]+@[^@\s]+\.[^@\s]+|projects\/[^/\s]+\/notificationChannels\/[0-9]+)$/,
              "must be email:ADDRESS or projects/PROJECT/notificationChannels/NUMBER",
            ),
        )
        .default([]),
      daysBehind: z.int().min(1).max(365).default(3),
      silentAfter: hours.prefault("6h"),
    })
    .optional(),
};
