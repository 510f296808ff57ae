/** The Pulumi program as tests run it many times: the bundle in `dist/program`, by a language host that starts in half of the time. */
import { delimiter, join, resolve } from "node:path";

const project = resolve(__dirname, "../..");

/** The bundled program's project. */
export const bundledProgram = join(project, "dist/program");

/**
 * What a shell's environment needs besides, so that `pulumi` runs the bundle quickly.
 * @param engine where `tools/build-engine` says that the engine is; an official one reads all of it from Pulumi.yaml
 * @param path the PATH that it goes before
 */
export function languageHost(engine: string, path: string): Record<string, string> {
  if (!engine.includes("/nixos-fleet/engine/")) return { PATH: path };
  return {
    PATH: [join(__dirname, "language-host"), path].join(delimiter),
    NIXOS_FLEET_LANGUAGE_HOST: join(engine, "pulumi-language-nodejs"),
  };
}
