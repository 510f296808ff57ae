/** The keys whose values are secrets, even if they are otherwise invalid: no message quotes one. */
export const SECRETS = ["sshPrivateKey", "deployKey", "deployKeys", "homeDeployKeys"] as const;

type Secret = (typeof SECRETS)[number];

/** The placeholder of a secret if the configuration was read without secrets, as `pulumi config --json` writes it. */
export const HIDDEN = "[secret]";

/** The settings that may be passed on as plain values: a secret goes directly from Pulumi to its resource. */
export function withoutSecrets<T extends object>(settings: T): Omit<T, Secret> {
  const plain = Object.entries(settings).filter(([key]) => !SECRETS.some((secret) => secret === key));
  return Object.fromEntries(plain) as Omit<T, Secret>;
}

/**
 * A line for each secret that is in plain text in the configuration, so that everyone who reads its file or the state sees it.
 * @param encrypted full keys of the values that Pulumi keeps as secrets
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
