/** The credentials that VMs need for the repositories, and the host keys that VMs trust. */
import * as z from "zod";
import { kindOf, parseKeyPlace } from "../../../rules/deploy-keys";
import { repository, signer } from "./git";
import { quote } from "../parse";
import { homeKeyName, inputKeyName, secretId } from "../names";
import { check, type Check } from "../schema";
import { HIDDEN } from "../secrets";

/** The repository's URL decides what its secret contains. */
const BY_SSH = /^ssh:\/\/|^[\w.-]+@[\w.-]+:/;
const BY_HTTPS = /^https:\/\//;

const existing = z
  .string()
  .regex(
    /^(projects\/[^/\s]+\/secrets\/)?[A-Za-z0-9_-]{1,255}$/,
    "must name a secret of Secret Manager: NAME, or projects/PROJECT/secrets/NAME",
  );
const held = z.string().min(1, "must not be empty");
/** Where a key is presented. */
const place = z
  .string()
  .refine(
    (text) => parseKeyPlace(text) !== undefined,
    "must be HOST, HOST/PATH, https://HOST/PATH, ssh://USER@HOST/PATH or USER@HOST:PATH",
  );

export const deployKeySchema = {
  deployKey: held.optional(),
  deployKeySecret: existing.optional(),
  deployKeys: z.record(place, held).default({}),
  deployKeySecrets: z.record(place, existing).default({}),
  homeDeployKeys: z.record(repository, held).default({}),
  homeDeployKeySecrets: z.record(repository, existing).default({}),
  knownHosts: z.array(z.string().regex(/^\S+ \S+ \S+/, "must be a line of known_hosts: HOST TYPE KEY")).optional(),
  signers: z.array(signer).min(1, "must name at least one signer").optional(),
};

type Settings = z.infer<z.ZodObject<typeof deployKeySchema>> & { repository: string; fleet: string };

/** A repository, and the secret with its credential. */
export interface DeployKey {
  /** The owner: the config repository, a home, or an input of a flake. */
  of: "config" | "home" | "input";
  /** The repository's URL; for an input, where the key is presented, as `parseKeyPlace` reads it. */
  repository: string;
  /** Part of resources' names. */
  name: string;
  /** The secret, `projects/P/secrets/S`. */
  secret: string;
  /** The secret's id, S, if the program makes and fills the secret. Absent if someone else manages it. */
  secretId?: string;
}

/** Every repository that needs a credential. Pure. */
export function deployKeysOf(settings: Settings, where: { stack: string; project: string }): DeployKey[] {
  const { deployKey, deployKeySecret, homeDeployKeys, homeDeployKeySecrets, deployKeys, deployKeySecrets } = settings;
  const nameOf = (of: DeployKey["of"], repository: string) =>
    of === "config" ? of : of === "home" ? homeKeyName(repository) : inputKeyName(repository);
  const made = (of: DeployKey["of"], repository: string): DeployKey => {
    const name = nameOf(of, repository);
    const id = secretId(settings.fleet, where.stack, name);
    return { of, repository, name, secret: `projects/${where.project}/secrets/${id}`, secretId: id };
  };
  const given = (of: DeployKey["of"], repository: string, secret: string): DeployKey => ({
    ...{ of, repository, name: nameOf(of, repository) },
    secret: secret.includes("/") ? secret : `projects/${where.project}/secrets/${secret}`,
  });
  return [
    ...(deployKey === undefined ? [] : [made("config", settings.repository)]),
    ...(deployKeySecret === undefined ? [] : [given("config", settings.repository, deployKeySecret)]),
    ...Object.keys(homeDeployKeys).map((home) => made("home", home)),
    ...Object.entries(homeDeployKeySecrets).map(([home, secret]) => given("home", home, secret)),
    ...Object.keys(deployKeys).map((input) => made("input", input)),
    ...Object.entries(deployKeySecrets).map(([input, secret]) => given("input", input, secret)),
  ];
}

/**
 * Checks that nothing is set twice, that no secret of the stack's own is taken for one of others (it would be deleted), that each key fits
 * how its repository is reached, and that homes' repositories belong to homes.
 */
export const checkDeployKeys: Check[] = [
  check(z.object({ deployKey: z.unknown(), deployKeySecret: z.unknown() }), ({ deployKey, deployKeySecret }) =>
    deployKey === undefined || deployKeySecret === undefined
      ? []
      : ["deployKey: set either this or deployKeySecret, not both"],
  ),
  check(
    z.object({
      fleet: z.string().default("devs"),
      "pulumi:stack": z.string(),
      deployKeySecret: deployKeySchema.deployKeySecret,
      deployKeySecrets: deployKeySchema.deployKeySecrets,
      homeDeployKeySecrets: deployKeySchema.homeDeployKeySecrets,
    }),
    ({ fleet, "pulumi:stack": stack, deployKeySecret, ...several }) => {
      const own = secretId(fleet, stack, "");
      const named = { deployKeySecret: deployKeySecret === undefined ? {} : { deployKeySecret }, ...several };
      return Object.entries(named).flatMap(([key, secrets]) =>
        Object.values(secrets)
          .filter((secret) => secret.replace(/^.*\//, "").startsWith(own))
          .map((secret) => {
            const made = key.replace("Secret", "");
            return `${key}: ${quote(secret)} is a secret that this stack makes for ${made} and deletes without it; set ${made}, or copy the secret to another name`;
          }),
      );
    },
  ),
  check(z.object({ repository, deployKey: held }), ({ repository, deployKey }) =>
    misfit("deployKey", repository, deployKey),
  ),
  check(z.object({ repository, deployKeySecret: existing }), ({ repository }) => misfit("deployKeySecret", repository)),
  check(
    z.object({ deployKeys: deployKeySchema.deployKeys, deployKeySecrets: deployKeySchema.deployKeySecrets }),
    ({ deployKeys, deployKeySecrets }) => [
      ...Object.keys(deployKeySecrets)
        .filter((input) => Object.hasOwn(deployKeys, input))
        .map((input) => `deployKeySecrets: ${quote(input)} is also in deployKeys; name it in one of both`),
      ...Object.entries(deployKeys).flatMap(([input, value]) => inputMisfit(input, value)),
    ],
  ),
  check(
    z.object({
      vms: z.array(z.object({ homes: z.array(z.object({ repository: z.string().optional() })).default([]) })),
      homeDeployKeys: deployKeySchema.homeDeployKeys,
      homeDeployKeySecrets: deployKeySchema.homeDeployKeySecrets,
    }),
    ({ vms, homeDeployKeys, homeDeployKeySecrets }) => {
      const own = vms.flatMap(({ homes }) => homes.map(({ repository }) => repository));
      const named = [
        ...Object.entries(homeDeployKeys).map(([home, key]) => ["homeDeployKeys", home, key] as const),
        ...Object.keys(homeDeployKeySecrets).map((home) => ["homeDeployKeySecrets", home, undefined] as const),
      ];
      return named.flatMap(([key, home, value]) => [
        ...(own.includes(home) ? [] : [`${key}: ${quote(home)} is not the repository of a home of this fleet`]),
        ...(key === "homeDeployKeySecrets" && homeDeployKeys[home] !== undefined
          ? [`${key}: ${quote(home)} is also in homeDeployKeys; name it in one of both`]
          : []),
        ...misfit(key, home, value),
      ]);
    },
  ),
];

/** What is wrong with a key for that repository. The message never quotes the key itself. */
function misfit(key: string, repository: string, value?: string): string[] {
  const of = `${quote(repository)}, which is reached`;
  if (!BY_SSH.test(repository) && !BY_HTTPS.test(repository))
    return [
      `${key}: ${quote(repository)} must be an ssh or https URL where it asks for a key: nothing else keeps it to itself`,
    ];
  if (value === undefined || value === HIDDEN) return [];
  if (BY_SSH.test(repository))
    return kindOf(value) === "SSH private key" ? [] : [`${key}: must be an SSH private key for ${of} by SSH`];
  return kindOf(value) === "token" ? [] : [`${key}: must be a token, one word, for ${of} by https`];
}

/** The same for an input of a flake: a host alone takes either kind. */
function inputMisfit(input: string, value: string): string[] {
  if (value === HIDDEN) return [];
  const wanted = parseKeyPlace(input)?.kind;
  const kind = kindOf(value);
  if (kind !== undefined && (wanted === undefined || kind === wanted)) return [];
  return [
    `deployKeys: must be ${wanted === undefined ? "a token or an SSH private key" : wanted === "token" ? "a token, one word," : "an SSH private key"} for ${quote(input)}`,
  ];
}
