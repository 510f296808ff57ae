/** Test files of this suite share their workers' processes: each gives the environment back as it found it. */
import { afterAll, vi } from "vitest";

const before = { ...process.env };

afterAll(() => {
  vi.unstubAllEnvs();
  for (const name of Object.keys(process.env)) if (!(name in before)) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, before);
});
