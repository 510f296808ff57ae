/**
 * What the engine says to each run and the SDK has no public function for: in environment variables where a run is a process of its own, and
 * in the run's own store where the Automation API runs a program inside of a longer one.
 */
interface Run {
  config: Partial<Record<string, string>>;
  settings: { options: { parallel?: number } };
}

function insideOfAnother(): Run | undefined {
  const { asyncLocalStorage } = globalThis as { asyncLocalStorage?: { getStore: () => unknown } };
  return asyncLocalStorage?.getStore() as Run | undefined;
}

/** Full keys of the settings that the engine decrypted; undefined where it says nothing, as under a unit test's mocks. */
export function encryptedKeys(): string[] | undefined {
  const keys = (insideOfAnother()?.config ?? process.env)["PULUMI_CONFIG_SECRET_KEYS"];
  return keys === undefined || keys === "" ? undefined : (JSON.parse(keys) as string[]);
}

/** Operations that the engine has under way at once. */
export function workers(): number {
  return Number(insideOfAnother()?.settings.options.parallel ?? process.env["PULUMI_NODEJS_PARALLEL"] ?? 4);
}
