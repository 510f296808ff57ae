/** The keys whose values are secrets, whatever else is wrong with them: no message quotes one. */
export const SECRETS = ["sshPrivateKey", "deployKey", "deployKeys", "homeDeployKeys"] as const;

type Secret = (typeof SECRETS)[number];

/** What stands in place of a secret where the configuration was read without them, as `pulumi config --json` writes it. */
export const HIDDEN = "[secret]";

/** The settings that may be handed on as plain values: a secret goes from Pulumi to its resource without passing here. */
export function withoutSecrets<T extends object>(settings: T): Omit<T, Secret> {
  const plain = Object.entries(settings).filter(([key]) => !SECRETS.some((secret) => secret === key));
  return Object.fromEntries(plain) as Omit<T, Secret>;
}

/**
 * A line for each secret that stands in the configuration in clear, where its file and the state show it to everybody.
 * @param encrypted full keys of what Pulumi keeps as secrets
 */
export function secretsInClear(
  namespace: string,
  values: Readonly<Record<string, unknown>>,
  encrypted: readonly string[],
): string[] {
  return SECRETS.filter((key) => values[key] !== undefined && !encrypted.includes(namespace + key)).map(
    (key) =>
      `${key}: is not encrypted and must be a secret: replace the key where it came from, then pulumi config set --secret ${namespace}${key}`,
  );
}
