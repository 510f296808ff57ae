/**
 * Runs inside the cloud's network namespace and does there what its parent, which lives in the host's, asks: listens and dials, and hands
 * the sockets over. Started by `network.ts` alone; ends with its parent.
 */
import net from "node:net";

/** What the parent asks. */
export interface Request {
  id: number;
  kind: "listen" | "dial";
  address: string;
  port: number;
}

/** The answer; the socket or server comes with it as a handle. */
export interface Answer {
  id: number;
  error?: { message: string; code: string | undefined };
}

type Send = (answer: Answer, handle?: net.Server | net.Socket, sent?: () => void) => void;

function listen(request: Request, send: Send): void {
  const server = net.createServer();
  server.once("error", (error) => send(refusal(request, error)));
  // The parent's copy of the listening socket lives on; this one would take connections away from it.
  server.listen(request.port, request.address, () => send({ id: request.id }, server, () => server.close()));
}

function dial(request: Request, send: Send): void {
  const socket = net.connect({ host: request.address, port: request.port });
  // What the other side says first is the parent's to read.
  socket.pause();
  const refused = (error: Error) => send(refusal(request, error));
  socket.once("error", refused);
  socket.once("connect", () => {
    socket.off("error", refused);
    socket.on("error", () => socket.destroy());
    send({ id: request.id }, socket);
  });
}

function refusal(request: Request, error: NodeJS.ErrnoException): Answer {
  return { id: request.id, error: { message: error.message, code: error.code } };
}

function main(): void {
  const parent = process.send?.bind(process);
  if (parent === undefined) throw new Error("netns.ts is started by the local cloud only");
  const send: Send = (answer, handle, sent) => void parent(answer, handle, {}, sent);
  process.on("message", (request: Request) => (request.kind === "listen" ? listen : dial)(request, send));
  process.on("disconnect", () => process.exit());
}

if (require.main === module) main();
