/** The source of new VMs' image, if the program itself makes it. */
import * as z from "zod";
import { computeName } from "./schema";

export const imageKeys = {
  image: z
    .strictObject({
      source: z
        .string()
        .regex(
          /^gs:\/\/[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]\/([^/]+\/)*[a-z]([-a-z0-9]{0,61}[a-z0-9])?\.(raw\.)?tar\.gz$/,
          "must be gs://BUCKET/NAME.raw.tar.gz, NAME being a Compute name: the image is called so",
        ),
      family: computeName.default("nixos-fleet"),
    })
    .optional(),
};
