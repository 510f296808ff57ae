/** The stand-in for the official command provider. */
import { mistakes } from "../core/check";
import type { Log } from "../core/engine-log";
import type { Provider, Resource } from "../core/provider";
import type { Typings } from "../core/typings";
import { text } from "../core/value";
import { refuseAssets, runLocally } from "./local";
import { connectionDefaults, runRemotely } from "./remote";
import { commandResource } from "./resource";

/** The provider, with the properties of the installed declarations. */
export function command(typings: Typings, log: Log): Provider {
  const { label } = typings;
  const resources: Record<string, Resource> = {
    "command:local:Command": commandResource({
      label,
      properties: () => typings.exported("local/command.d.ts", "CommandArgs"),
      refuse: refuseAssets,
      execute: (text, inputs, previous, run) => runLocally(log, text, inputs, previous, run),
    }),
    "command:remote:Command": commandResource({
      label,
      properties: () => typings.exported("remote/command.d.ts", "CommandArgs"),
      defaults: (inputs) => ({ ...inputs, connection: connectionDefaults(inputs["connection"]) }),
      secrets: ["connection"],
      execute: (text, inputs, previous, run) => runRemotely(log, text, inputs, previous, run),
    }),
  };
  return {
    name: "command",
    version: typings.manifest.version,
    checkConfig: () => [],
    configure: () => undefined,
    resource: (type) => {
      const found = resources[type];
      if (!found)
        throw new Error(
          `${type}: the local stand-in for the command provider has ${Object.keys(resources).join(" and ")}`,
        );
      return found;
    },
    invoke: async (token, args, signal) => {
      if (token !== "command:local:run")
        throw new Error(`${token}: the local stand-in for the command provider has no function but command:local:run`);
      const properties = typings.exported("local/run.d.ts", "RunArgs");
      const failures = [...mistakes(properties, args, label), ...refuseAssets(args)];
      if (failures.length > 0) return { failures };
      const output = await runLocally(
        log,
        text(args, "command") ?? "",
        args,
        { stdout: "", stderr: "" },
        { urn: "", signal },
      );
      return { result: { ...args, ...output } };
    },
  };
}
