/** Google's own keys, which its provider reads too: the location of the fleet. */
import * as z from "zod";
import { shapes } from "../../rules/shapes";
import { check } from "./schema";

export const zone = z.string().regex(/^[a-z]+-[a-z]+[0-9]+-[a-z]$/, "must be a zone such as europe-west1-b");

export const googleKeys = {
  project: z
    .string({ error: "must be set: the Google Cloud project that gets the fleet" })
    .regex(shapes.project, "must be a Google Cloud project id"),
  region: z
    .string({ error: "must be set: the region of the fleet's network, such as europe-west1" })
    .regex(shapes.region, "must be a region such as europe-west1"),
  zone: zone.optional(),
};

export const networkKeys = {
  network: z
    .strictObject({
      cidr: z
        .cidrv4({ error: "must be an IPv4 range such as 10.128.0.0/20", abort: true })
        .refine((cidr) => cidr === subnetRange(cidr), {
          error: ({ input }) =>
            `must be a range from /8 to /29 by its first address, such as ${subnetRange(String(input))}`,
        })
        .default("10.128.0.0/20"),
    })
    .prefault({}),
  existingNetwork: z
    .strictObject({
      network: z
        .string()
        .regex(link("global/networks"), "must be a network's self link, or projects/PROJECT/global/networks/NAME"),
      subnetwork: z
        .string()
        .regex(
          link("regions/[a-z0-9-]+/subnetworks"),
          "must be a subnetwork's self link, or projects/PROJECT/regions/REGION/subnetworks/NAME",
        ),
    })
    .optional(),
  serviceAccount: z
    .string()
    .regex(/^[^@\s]+@[^@\s]+\.gserviceaccount\.com$/, "must be the address of a service account")
    .optional(),
};

/** The range of this address that Compute takes for a subnet: /8 to /29, and by its first address. */
function subnetRange(cidr: string): string {
  const [address = "", prefix] = cidr.split("/");
  const bits = 32 - Math.min(29, Math.max(8, Number(prefix)));
  const number = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const first = number - (number % 2 ** bits);
  return `${[24, 16, 8, 0].map((shift) => (first >>> shift) & 255).join(".")}/${32 - bits}`;
}

/** A link to a Compute resource of a kind. */
function link(kind: string): RegExp {
  return new RegExp(`^(https?://[^\\s?#]+/)?projects/[^/\\s]+/${kind}/[-a-z0-9]+$`);
}

/** The path of a resource's link, which is the same in every API. */
export function pathOf(link: string): string {
  return link.replace(/^https?:\/\/.*?\/(?=projects\/)/, "");
}

/** The project that a resource's link names; undefined if it names none. */
export function projectOf(link: string): string | undefined {
  return /^projects\/([^/]+)\//.exec(pathOf(link))?.[1];
}

/** VMs get their addresses from a subnetwork of the fleet's own region, and of the network's project. */
export const checkExisting = check(
  z.object({ "gcp:region": z.string(), existingNetwork: z.object({ network: z.string(), subnetwork: z.string() }) }),
  ({ "gcp:region": region, existingNetwork: { network, subnetwork } }) => [
    ...(subnetwork.includes(`/regions/${region}/`)
      ? []
      : [`existingNetwork.subnetwork: ${subnetwork} is not in gcp:region "${region}"`]),
    ...(sameProject(network, subnetwork)
      ? []
      : [`existingNetwork.subnetwork: ${subnetwork} is not in the network's project ${projectOf(network) ?? "?"}`]),
  ],
);

/** Whether two links may be of one project: a link can also name it by its number. */
function sameProject(...links: [string, string]): boolean {
  const [one, other] = links.map(projectOf);
  // A link of another form is a mistake of its own.
  if (one === undefined || other === undefined) return true;
  return one === other || /^\d+$/.test(one) !== /^\d+$/.test(other);
}

/** The zone of VMs that name none. */
export function defaultZone({ region, zone: written }: { region: string; zone?: string | undefined }): string {
  return written ?? `${region}-b`;
}
