/**
 * The Pulumi program and the plugins of a test, in one process that outlives each command of the engine: loading them takes two thirds of
 * a command's CPU time. The engine connects to them as to a program of the Automation API and to plugins under a debugger. Each run evaluates
 * the whole program, as a new process does.
 */
import { createRequire } from "node:module";
import * as grpc from "@grpc/grpc-js";
import { command } from "../../local/plugins/command/provider";
import { serve } from "../../local/plugins/core/serve";
import { gcp } from "../../local/plugins/gcp/provider";
import { compile } from "../../tools/code-cache";

/** What a test needs to point the engine at this process. */
export interface ServerPorts {
  /** Of the language host, on 127.0.0.1. */
  program: number;
  /** Plugin → port on 127.0.0.1. */
  plugins: Record<string, number>;
}

/** The bundled program, evaluated by each call; answers what it exports. The first that ends here keeps its code's cache for the others. */
function evaluator(bundle: string): () => unknown {
  const { cached, run, save } = compile(bundle);
  if (!cached) process.once("exit", save);
  return run;
}

/** @param bundle the program's one file */
async function serveProgram(bundle: string): Promise<number> {
  // The SDK that the program loads, and no copy of it.
  const require = createRequire(bundle);
  const { LanguageServer } = require("@pulumi/pulumi/automation/server.js") as {
    LanguageServer: new (program: () => unknown) => grpc.UntypedServiceImplementation;
  };
  const { LanguageRuntimeService } = require("@pulumi/pulumi/proto/language_grpc_pb.js") as {
    LanguageRuntimeService: grpc.ServiceDefinition;
  };
  const language = new LanguageServer(evaluator(bundle));
  const server = new grpc.Server({ "grpc.max_receive_message_length": 400 * 1024 * 1024 });
  server.addService(LanguageRuntimeService, language);
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}

async function main(bundle: string): Promise<void> {
  const [program, gcpPlugin, commandPlugin] = await Promise.all([
    serveProgram(bundle),
    serve("@pulumi/gcp", gcp),
    serve("@pulumi/command", command),
  ]);
  const ports: ServerPorts = { program, plugins: { gcp: gcpPlugin.port, command: commandPlugin.port } };
  process.send?.(ports);
  process.once("disconnect", () => process.exit());
}

void main(process.argv[2] ?? "");
