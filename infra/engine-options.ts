/**
 * Options that the engine passes to a run and for which the SDK has no public function. A run in its own process has them in environment
 * variables. An inline program of the Automation API has them in the SDK's store for that run.
 */
interface Run {
  config: Partial<Record<string, string>>;
  settings: { options: { parallel?: number } };
}

function inlineRun(): Run | undefined {
  const { asyncLocalStorage } = globalThis as { asyncLocalStorage?: { getStore: () => unknown } };
  return asyncLocalStorage?.getStore() as Run | undefined;
}

/** Full keys of the settings that the engine decrypted; undefined without an engine, for example with a unit test's mocks. */
export function encryptedKeys(): string[] | undefined {
  const keys = (inlineRun()?.config ?? process.env)["PULUMI_CONFIG_SECRET_KEYS"];
  return keys === undefined || keys === "" ? undefined : (JSON.parse(keys) as string[]);
}

/** The number of operations that the engine runs at once (`--parallel`). */
export function parallelism(): number {
  return Number(inlineRun()?.settings.options.parallel ?? process.env["PULUMI_NODEJS_PARALLEL"] ?? 4);
}
