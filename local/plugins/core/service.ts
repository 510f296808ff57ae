/** A `Provider` as the gRPC service that Pulumi's engine calls. */
import * as grpc from "@grpc/grpc-js";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import type { IResourceProviderServer } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as plugin from "@pulumi/pulumi/proto/plugin_pb";
import * as pb from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import type { Failure } from "./check";
import { PartialFailure, type CheckRequest, type Difference, type Provider, type Run } from "./provider";
import { fromWire, toWire } from "./value";

/** gRPC carries an error's message in one HTTP/2 header, whose size is limited (64 KiB, and up to nine
 * bytes for a character once encoded). The end of an output is the most useful part. In characters. */
const MESSAGE_LIMIT = 6_000;

/** The engine that a plugin serves. */
export interface Engine {
  /** Aborted by the engine's Cancel. After that, every running call fails. */
  cancelled: AbortController;
  /** A plugin's first call from an engine. @param address the engine's own, `127.0.0.1:PORT` */
  connect: (address: string) => void;
}

/** One call of the engine. */
interface Call {
  /** Aborted if the engine gave up waiting. */
  gone: AbortSignal;
  /** Aborted once the call is answered. */
  answered: AbortSignal;
}

export function service(provider: Provider, engine: Engine): IResourceProviderServer {
  const run = (urn: string, timeout: number, { gone, answered }: Call): Run => {
    const over = new AbortController();
    // Not AbortSignal.any: in Node 20 its signal may be garbage-collected while something waits for it.
    for (const signal of [engine.cancelled.signal, gone])
      if (signal.aborted) over.abort(signal.reason);
      else signal.addEventListener("abort", () => over.abort(signal.reason), { once: true, signal: answered });
    if (timeout > 0) {
      const timer = setTimeout(() => over.abort(new DOMException("over", "TimeoutError")), timeout * 1000).unref();
      answered.addEventListener("abort", () => clearTimeout(timer), { once: true });
    }
    return { urn, signal: over.signal };
  };
  return {
    handshake: unary((request: pb.ProviderHandshakeRequest) => {
      engine.connect(request.getEngineAddress());
      return new pb.ProviderHandshakeResponse().setSupportsAutonamingConfiguration(true);
    }),
    parameterize: missing("Parameterize"),
    getSchema: unary(() => {
      const { name, version } = provider;
      return new pb.GetSchemaResponse().setSchema(JSON.stringify({ name, version }));
    }),
    checkConfig: unary((request: pb.CheckRequest) =>
      new pb.CheckResponse()
        .setInputs(request.getNews())
        .setFailuresList(failures(provider.checkConfig(fromWire(request.getNews())))),
    ),
    diffConfig: unary(() => new pb.DiffResponse().setChanges(pb.DiffResponse.DiffChanges.DIFF_NONE)),
    configure: unary((request: pb.ConfigureRequest) => {
      provider.configure(fromWire(request.getArgs()));
      return new pb.ConfigureResponse().setSupportspreview(true).setSupportsAutonamingConfiguration(true);
    }),
    invoke: unary(async (request: pb.InvokeRequest, call) => {
      const answer = await provider.invoke(request.getTok(), fromWire(request.getArgs()), run("", 0, call).signal);
      return "failures" in answer
        ? new pb.InvokeResponse().setFailuresList(failures(answer.failures))
        : new pb.InvokeResponse().setReturn(toWire(answer.result));
    }),
    call: missing("Call"),
    check: unary((request: pb.CheckRequest) => {
      const checked = provider.resource(typeOf(request)).check(checkRequest(request));
      return new pb.CheckResponse()
        .setInputs(toWire(checked.inputs, checked.secrets))
        .setFailuresList(failures(checked.failures));
    }),
    diff: unary((request: pb.DiffRequest) => {
      const difference = provider.resource(typeOf(request)).diff({
        id: request.getId(),
        olds: fromWire(request.getOldInputs()),
        state: fromWire(request.getOlds()),
        inputs: fromWire(request.getNews()),
        ignoreChanges: request.getIgnorechangesList(),
      });
      return diffResponse(difference);
    }),
    create: unary(async (request: pb.CreateRequest, call) => {
      const { id, state } = await provider.resource(typeOf(request)).create({
        ...run(request.getUrn(), request.getTimeout(), call),
        name: nameOf(request.getUrn()),
        inputs: fromWire(request.getProperties()),
        preview: request.getPreview(),
      });
      return new pb.CreateResponse().setId(id).setProperties(toWire(state));
    }),
    read: unary(async (request: pb.ReadRequest, call) => {
      const found = await provider.resource(typeOf(request)).read({
        ...run(request.getUrn(), request.getTimeout(), call),
        id: request.getId(),
        state: fromWire(request.getProperties()),
        inputs: fromWire(request.getInputs()),
      });
      if (!found) return new pb.ReadResponse();
      return new pb.ReadResponse().setId(found.id).setProperties(toWire(found.state)).setInputs(toWire(found.inputs));
    }),
    list: (call) => {
      call.destroy(Object.assign(new Error("List is not implemented"), { code: grpc.status.UNIMPLEMENTED }));
    },
    update: unary(async (request: pb.UpdateRequest, call) => {
      const change = {
        ...run(request.getUrn(), request.getTimeout(), call),
        id: request.getId(),
        olds: fromWire(request.getOldInputs()),
        state: fromWire(request.getOlds()),
        inputs: fromWire(request.getNews()),
        ignoreChanges: request.getIgnorechangesList(),
        preview: request.getPreview(),
      };
      const state = await provider
        .resource(typeOf(request))
        .update(change)
        .catch((error: unknown) => {
          throw error instanceof PartialFailure ? new StoredFailure(request.getId(), error) : error;
        });
      return new pb.UpdateResponse().setProperties(toWire(state));
    }),
    delete: unary(async (request: pb.DeleteRequest, call) => {
      await provider.resource(typeOf(request)).delete({
        ...run(request.getUrn(), request.getTimeout(), call),
        id: request.getId(),
        state: fromWire(request.getProperties()),
      });
      return new Empty();
    }),
    construct: missing("Construct"),
    cancel: unary(() => {
      engine.cancelled.abort(new Error("cancelled"));
      return new Empty();
    }),
    getPluginInfo: unary(() => new plugin.PluginInfo().setVersion(provider.version)),
    attach: unary(() => new Empty()),
    getMapping: unary(() => new pb.GetMappingResponse()),
    getMappings: unary(() => new pb.GetMappingsResponse()),
  };
}

/** A call's handler: it returns the answer, or the error's message. */
function unary<Request, Response>(
  answer: (request: Request, call: Call) => Response | Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const [gone, answered] = [new AbortController(), new AbortController()];
    call.on("cancelled", () => gone.abort(new Error("the engine gave up waiting")));
    void (async () => answer(call.request, { gone: gone.signal, answered: answered.signal }))()
      .then(
        (response) => callback(null, response),
        (error: unknown) => {
          const metadata = error instanceof StoredFailure ? { metadata: error.metadata() } : {};
          callback({ code: grpc.status.UNKNOWN, details: message(error), ...metadata });
        },
      )
      .finally(() => answered.abort());
  };
}

/** A partial failure as the engine reads it: in the details of gRPC's status, which is how Go's gRPC sends them. */
class StoredFailure extends Error {
  constructor(
    private readonly id: string,
    private readonly failure: PartialFailure,
  ) {
    super(failure.message);
  }

  metadata(): grpc.Metadata {
    const detail = new pb.ErrorResourceInitFailed()
      .setId(this.id)
      .setProperties(toWire(this.failure.state))
      .setReasonsList([this.message]);
    const packed = new Any();
    packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
    const status = new Status().setCode(grpc.status.UNKNOWN).setMessage(this.message);
    status.addDetails(packed);
    const metadata = new grpc.Metadata();
    metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
    return metadata;
  }
}

function missing<Request, Response>(name: string): grpc.handleUnaryCall<Request, Response> {
  return (_, callback) => callback({ code: grpc.status.UNIMPLEMENTED, details: `${name} is not implemented` });
}

function message(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  if (said.length <= MESSAGE_LIMIT) return wellFormed(said);
  const [first = ""] = said.split("\n", 1);
  const left = said.length - MESSAGE_LIMIT;
  return wellFormed(`${first.slice(0, 500)}\n… (${left} characters left out)\n${said.slice(-MESSAGE_LIMIT)}`);
}

/** A cut may leave half a surrogate pair, which cannot be sent. */
function wellFormed(said: string): string {
  return Buffer.from(said).toString();
}

function failures(list: Failure[]): pb.CheckFailure[] {
  return list.map(({ property, reason }) => new pb.CheckFailure().setProperty(property).setReason(reason));
}

/** `urn:pulumi:stack::project::parent$type::name` */
function typeOf(request: { getUrn(): string; getType(): string }): string {
  return request.getType() || (request.getUrn().split("::")[2] ?? "").replace(/^.*\$/, "");
}

function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

function checkRequest(request: pb.CheckRequest): CheckRequest {
  const proposedName = request.getAutonaming()?.getProposedName();
  return {
    urn: request.getUrn(),
    name: nameOf(request.getUrn()),
    inputs: fromWire(request.getNews()),
    olds: fromWire(request.getOlds()),
    seed: request.getRandomseed_asU8(),
    ...(proposedName ? { proposedName } : {}),
  };
}

function diffResponse({ changes, deleteBeforeReplace }: Difference): pb.DiffResponse {
  const { DIFF_NONE, DIFF_SOME } = pb.DiffResponse.DiffChanges;
  const { Kind } = pb.PropertyDiff;
  const kinds = {
    add: [Kind.ADD, Kind.ADD_REPLACE],
    delete: [Kind.DELETE, Kind.DELETE_REPLACE],
    update: [Kind.UPDATE, Kind.UPDATE_REPLACE],
  } as const;
  const response = new pb.DiffResponse()
    .setChanges(changes.length === 0 ? DIFF_NONE : DIFF_SOME)
    .setHasdetaileddiff(true)
    .setDeletebeforereplace(deleteBeforeReplace)
    .setDiffsList(top(changes.map(({ path }) => path)))
    .setReplacesList(top(changes.filter(({ replace }) => replace).map(({ path }) => path)));
  for (const { path, kind, replace } of changes) {
    const entry = new pb.PropertyDiff().setKind(kinds[kind][replace ? 1 : 0]).setInputdiff(true);
    response.getDetaileddiffMap().set(path, entry);
  }
  return response;
}

/** The top-level properties that contain the paths. */
function top(paths: string[]): string[] {
  return [...new Set(paths.map((path) => path.split(/[.[]/, 1)[0] ?? path))];
}
