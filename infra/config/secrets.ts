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
 * A line for each secret that is in plain text in the configuration, so that everyone who reads its file or the state sees it. No line
 * quotes a value.
 * @param encrypted full keys of the values that Pulumi keeps as secrets
 * @param files the text of the files that people write settings in
 */
export function secretsInClear(
  namespace: string,
  values: Readonly<Record<string, unknown>>,
  encrypted: readonly string[],
  files: readonly string[],
): string[] {
  return SECRETS.flatMap((key) => {
    const value = values[key];
    if (value === undefined) return [];
    const means = "replace the key where it came from, then pulumi config set --secret";
    const full = namespace + key;
    if (!encrypted.includes(full)) return [`${key}: is not encrypted and must be a secret: ${means} ${full}`];
    return namesInClear(value, files).map(
      (name) =>
        `${key}: ${name} is not encrypted in the stack's file and must be a secret: ${means} --path '${full}[${name}]'`,
    );
  });
}

/**
 * The names, in quotes, of the values of a map of secrets that are in plain text among encrypted ones: Pulumi takes the whole map for
 * encrypted if one of its values is.
 */
function namesInClear(map: unknown, files: readonly string[]): string[] {
  if (typeof map !== "object" || map === null) return [];
  return Object.entries(map)
    .filter(([, value]) => typeof value === "string" && value !== HIDDEN && files.some((file) => stands(value, file)))
    .map(([name]) => JSON.stringify(name));
}

/** The length of a text that does not stand in a file by chance. */
const LEAST = 8;

/** Whether a secret stands in a file as it is. YAML may indent its lines and JSON write them in one. */
function stands(secret: string, file: string): boolean {
  const lines = secret.split("\n").flatMap((line) => (line.trim() === "" ? [] : [line.trim()]));
  return secret.trim().length >= LEAST && lines.every((line) => file.includes(line));
}
