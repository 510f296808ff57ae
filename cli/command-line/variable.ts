import type { Call } from "./command";

/** An environment variable; an empty one is as good as none. */
export function variable({ env }: Pick<Call, "env">, name: string): string | undefined {
  const value = env[name];
  return value === undefined || value === "" ? undefined : value;
}
