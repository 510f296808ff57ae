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
 * A line for each map of secrets with a value in plain text among encrypted ones: Pulumi takes the whole map for encrypted if one of its values
 * is. The line never quotes a value.
 * @param files the text of the files that people write settings in
 */
export function valuesInClear(
  namespace: string,
  values: Readonly<Record<string, unknown>>,
  encrypted: readonly string[],
  files: readonly string[],
): string[] {
  const maps = SECRETS.flatMap((key) => {
    const value = values[key];
    const isMap = typeof value === "object" && value !== null && encrypted.includes(namespace + key);
    return isMap ? [[key, Object.entries(value)] as const] : [];
  });
  return maps.flatMap(([key, entries]) =>
    entries
      .filter(([, value]) => typeof value === "string" && value !== HIDDEN && files.some((file) => stands(value, file)))
      .map(
        ([name]) =>
          `${key}: ${JSON.stringify(name)} is not encrypted in the stack's file and must be a secret: replace the key where it came from, then pulumi config set --secret --path '${namespace}${key}[${JSON.stringify(name)}]'`,
      ),
  );
}

/** The length of a text that does not stand in a file by chance. */
const LEAST = 8;

/** Whether a secret stands in a file as it is. YAML may indent its lines and JSON write them in one. */
function stands(secret: string, file: string): boolean {
  const lines = secret.split("\n").flatMap((line) => (line.trim() === "" ? [] : [line.trim()]));
  return secret.trim().length >= LEAST && lines.every((line) => file.includes(line));
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
