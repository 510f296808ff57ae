/**
 * Runs inside the cloud's network namespace for its parent, which lives in the host's: listens and dials on request, and hands the sockets
 * over. Only `network.ts` starts it, and it ends with its parent.
 */
import net from "node:net";

/** A request from the parent. */
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
  // The parent's copy of the listening socket stays open. This copy would take connections away from it.
  server.listen(request.port, request.address, () => send({ id: request.id }, server, () => server.close()));
}

function dial(request: Request, send: Send): void {
  const socket = net.connect({ host: request.address, port: request.port });
  // The parent reads what the other side sends first.
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
