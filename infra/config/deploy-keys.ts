/** What the repositories ask VMs for, and whom the VMs believe. */
import { z } from "zod";
import { repository, signer } from "./git";
import { quote } from "./lines";
import { homeKeyName, secretId } from "./names";
import { check, type Check } from "./schema";
import { HIDDEN } from "./secrets";

/** The repository's URL decides what its secret holds. */
const BY_SSH = /^ssh:\/\/|^[\w.-]+@[\w.-]+:/;
const BY_HTTPS = /^https:\/\//;

const existing = z
  .string()
  .regex(
    /^(projects\/[^/\s]+\/secrets\/)?[A-Za-z0-9_-]{1,255}$/,
    "must name a secret of Secret Manager: NAME, or projects/PROJECT/secrets/NAME",
  );
const held = z.string().min(1, "must not be empty");

export const deployKeyKeys = {
  deployKey: held.optional(),
  deployKeySecret: existing.optional(),
  homeDeployKeys: z.record(repository, held).default({}),
  homeDeployKeySecrets: z.record(repository, existing).default({}),
  knownHosts: z.array(z.string().regex(/^\S+ \S+ \S+/, "must be a line of known_hosts: HOST TYPE KEY")).optional(),
  signers: z.array(signer).min(1, "must name at least one signer").optional(),
};

type Settings = z.infer<z.ZodObject<typeof deployKeyKeys>> & { repository: string; fleet: string };

/** A repository, and the secret that holds what it asks for. */
export interface DeployKey {
  repository: string;
  /** Part of resources' names: `config`, or the home repository's. */
  name: string;
  /** The secret, `projects/P/secrets/S`. */
  secret: string;
  /** Where the program makes the secret and fills it: its id, S. Not there where the secret is somebody else's. */
  secretId?: string;
}

/** Every repository that asks for something. Pure. */
export function deployKeysOf(settings: Settings, where: { stack: string; project: string }): DeployKey[] {
  const { deployKey, deployKeySecret, homeDeployKeys, homeDeployKeySecrets } = settings;
  const made = (repository: string, name: string): DeployKey => {
    const id = secretId(settings.fleet, where.stack, name);
    return { repository, name, secret: `projects/${where.project}/secrets/${id}`, secretId: id };
  };
  const given = (repository: string, name: string, secret: string): DeployKey => ({
    repository,
    name,
    secret: secret.includes("/") ? secret : `projects/${where.project}/secrets/${secret}`,
  });
  return [
    ...(deployKey === undefined ? [] : [made(settings.repository, "config")]),
    ...(deployKeySecret === undefined ? [] : [given(settings.repository, "config", deployKeySecret)]),
    ...Object.keys(homeDeployKeys).map((home) => made(home, homeKeyName(home))),
    ...Object.entries(homeDeployKeySecrets).map(([home, secret]) => given(home, homeKeyName(home), secret)),
  ];
}

/** Nothing is said twice, each key fits how its repository is reached, and homes' repositories are homes' repositories. */
export const checkDeployKeys: Check[] = [
  check(z.object({ deployKey: z.unknown(), deployKeySecret: z.unknown() }), ({ deployKey, deployKeySecret }) =>
    deployKey === undefined || deployKeySecret === undefined
      ? []
      : ["deployKey: must not be set beside deployKeySecret"],
  ),
  check(z.object({ repository, deployKey: held }), ({ repository, deployKey }) =>
    misfit("deployKey", repository, deployKey),
  ),
  check(z.object({ repository, deployKeySecret: existing }), ({ repository }) => misfit("deployKeySecret", repository)),
  check(
    z.object({
      vms: z.array(z.object({ homes: z.array(z.object({ repository: z.string().optional() })).default([]) })),
      homeDeployKeys: deployKeyKeys.homeDeployKeys,
      homeDeployKeySecrets: deployKeyKeys.homeDeployKeySecrets,
    }),
    ({ vms, homeDeployKeys, homeDeployKeySecrets }) => {
      const own = vms.flatMap(({ homes }) => homes.map(({ repository }) => repository));
      const named = [
        ...Object.entries(homeDeployKeys).map(([home, key]) => ["homeDeployKeys", home, key] as const),
        ...Object.keys(homeDeployKeySecrets).map((home) => ["homeDeployKeySecrets", home, undefined] as const),
      ];
      return named.flatMap(([key, home, value]) => [
        ...(own.includes(home) ? [] : [`${key}: ${quote(home)} is no repository of a home of this fleet`]),
        ...(key === "homeDeployKeySecrets" && homeDeployKeys[home] !== undefined
          ? [`${key}: ${quote(home)} must not be there beside homeDeployKeys`]
          : []),
        ...misfit(key, home, value),
      ]);
    },
  ),
];

/** What is wrong with a key for that repository; the key itself, where it is known, is never quoted. */
function misfit(key: string, repository: string, value?: string): string[] {
  const of = `${quote(repository)}, which is reached`;
  if (!BY_SSH.test(repository) && !BY_HTTPS.test(repository))
    return [
      `${key}: ${quote(repository)} must be an ssh or https URL where it asks for a key: nothing else keeps it to itself`,
    ];
  if (value === undefined || value === HIDDEN) return [];
  if (BY_SSH.test(repository))
    return value.startsWith("-----BEGIN ") ? [] : [`${key}: must be an SSH private key for ${of} by SSH`];
  return /^\S+\n?$/.test(value) ? [] : [`${key}: must be a token, one word, for ${of} by https`];
}
