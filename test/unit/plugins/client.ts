/** A plugin as its own process, called as Pulumi's engine calls it. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import * as grpc from "@grpc/grpc-js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";
import { EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as pb from "@pulumi/pulumi/proto/provider_pb";

const BIN = path.resolve(__dirname, "../../../local/plugins/bin");
/** What stands for an unknown value on the wire. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export type Json = Record<string, JavaScriptValue>;

type Done<Response> = (error: grpc.ServiceError | null, response: Response) => void;

export class Plugin {
  private constructor(
    readonly client: ResourceProviderClient,
    readonly process: ChildProcess,
    readonly engine: grpc.Server,
    /** Lines that the plugin showed beside resources. */
    readonly shown: string[],
  ) {}

  static async start(name: "gcp" | "command", env: NodeJS.ProcessEnv = {}, cwd = "/"): Promise<Plugin> {
    const shown: string[] = [];
    const engine = new grpc.Server();
    const log: grpc.handleUnaryCall<LogRequest, Empty> = (call, callback) => {
      shown.push(call.request.getMessage());
      callback(null, new Empty());
    };
    engine.addService(EngineService, { log });
    const port = await new Promise<number>((resolve, reject) =>
      engine.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    const child = spawn(path.join(BIN, `pulumi-resource-${name}`), [`127.0.0.1:${port}`], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    const client = new ResourceProviderClient(`127.0.0.1:${line}`, grpc.credentials.createInsecure());
    const greeting = new pb.ProviderHandshakeRequest().setEngineAddress(`127.0.0.1:${port}`);
    await answered<pb.ProviderHandshakeResponse>((done) => client.handshake(greeting, done));
    return new Plugin(client, child, engine, shown);
  }

  async stop(): Promise<void> {
    this.client.close();
    this.process.kill("SIGKILL");
    await once(this.process, "exit");
    this.engine.forceShutdown();
  }

  configure(args: Json): Promise<pb.ConfigureResponse> {
    const request = new pb.ConfigureRequest().setArgs(struct(args));
    return answered<pb.ConfigureResponse>((done) => this.client.configure(request, done));
  }

  async checkConfig(args: Json): Promise<string[]> {
    const request = new pb.CheckRequest().setNews(struct(args));
    const response = await answered<pb.CheckResponse>((done) => this.client.checkConfig(request, done));
    return response.getFailuresList().map((failure) => failure.getReason());
  }

  async check(type: string, news: Json, olds: Json = {}, name = "name"): Promise<{ inputs: Json; reasons: string[] }> {
    const request = new pb.CheckRequest()
      .setUrn(urn(type, name))
      .setNews(struct(news))
      .setOlds(struct(olds))
      .setRandomseed(Buffer.from("seed"));
    const response = await answered<pb.CheckResponse>((done) => this.client.check(request, done));
    return {
      inputs: json(response.getInputs()),
      reasons: response.getFailuresList().map((failure) => failure.getReason()),
    };
  }

  /** Paths that differ, a replacing one with a `!`. */
  async diff(
    type: string,
    oldInputs: Json,
    news: Json,
    state = oldInputs,
  ): Promise<{ paths: string[]; deleteFirst: boolean }> {
    const request = new pb.DiffRequest()
      .setUrn(urn(type))
      .setOlds(struct(state))
      .setOldInputs(struct(oldInputs))
      .setNews(struct(news));
    const response = await answered<pb.DiffResponse>((done) => this.client.diff(request, done));
    const paths: string[] = [];
    response.getDetaileddiffMap().forEach((entry, at) => paths.push(entry.getKind() % 2 === 1 ? `${at}!` : at));
    return { paths: paths.sort(), deleteFirst: response.getDeletebeforereplace() };
  }

  async create(
    type: string,
    inputs: Json,
    { preview = false, timeout = 0 } = {},
  ): Promise<{ id: string; state: Json }> {
    const request = new pb.CreateRequest()
      .setUrn(urn(type))
      .setProperties(struct(inputs))
      .setPreview(preview)
      .setTimeout(timeout);
    const response = await answered<pb.CreateResponse>((done) => this.client.create(request, done));
    return { id: response.getId(), state: json(response.getProperties()) };
  }

  async update(type: string, id: string, olds: Json, oldInputs: Json, news: Json, preview = false): Promise<Json> {
    const request = new pb.UpdateRequest()
      .setId(id)
      .setUrn(urn(type))
      .setOlds(struct(olds))
      .setOldInputs(struct(oldInputs))
      .setNews(struct(news))
      .setPreview(preview);
    const response = await answered<pb.UpdateResponse>((done) => this.client.update(request, done));
    return json(response.getProperties());
  }

  async read(
    type: string,
    id: string,
    state: Json = {},
    inputs: Json = {},
  ): Promise<{ id: string; state: Json; inputs: Json }> {
    const request = new pb.ReadRequest()
      .setId(id)
      .setUrn(urn(type))
      .setProperties(struct(state))
      .setInputs(struct(inputs));
    const response = await answered<pb.ReadResponse>((done) => this.client.read(request, done));
    return { id: response.getId(), state: json(response.getProperties()), inputs: json(response.getInputs()) };
  }

  async delete(type: string, id: string, state: Json): Promise<void> {
    const request = new pb.DeleteRequest().setId(id).setUrn(urn(type)).setProperties(struct(state));
    await answered<Empty>((done) => this.client.delete(request, done));
  }

  async invoke(token: string, args: Json): Promise<Json> {
    const request = new pb.InvokeRequest().setTok(token).setArgs(struct(args));
    const response = await answered<pb.InvokeResponse>((done) => this.client.invoke(request, done));
    const [failure] = response.getFailuresList();
    if (failure) throw new Error(failure.getReason());
    return json(response.getReturn());
  }

  async cancel(): Promise<void> {
    await answered<Empty>((done) => this.client.cancel(new Empty(), done));
  }
}

/** Rejects with the plugin's own message. */
function answered<Response>(call: (done: Done<Response>) => unknown): Promise<Response> {
  return new Promise((resolve, reject) => {
    call((error, response) => (error ? reject(new Error(error.details)) : resolve(response)));
  });
}

function urn(type: string, name = "name"): string {
  return `urn:pulumi:stack::project::${type}::${name}`;
}

function struct(value: Json): Struct {
  return Struct.fromJavaScript(value);
}

function json(value: Struct | undefined): Json {
  return value?.toJavaScript() ?? {};
}
