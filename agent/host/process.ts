/**
 * Child processes. Each has a time limit or a silence limit, a process group of its own that is gone when the call returns, and output
 * that is kept up to a bound. No shell is involved unless the caller names one.
 */
import { type ChildProcess, spawn } from "node:child_process";

interface ProcessOptions {
  /** Added to this process's environment, in which messages are not translated; `undefined` removes a variable. */
  env?: Record<string, string | undefined>;
  /** Uses `env` alone instead of adding it. */
  cleanEnv?: boolean;
  cwd?: string;
  input?: string;
  /** Milliseconds in which it must end. */
  timeout?: number;
  /** Milliseconds in which it must print something. */
  silence?: number;
  /** Milliseconds between SIGTERM and SIGKILL. */
  grace?: number;
  /** Passes its output on to this process's standard error. */
  tee?: boolean;
  /** Called with the id of the process, which is also the id of its group. */
  started?: (pid: number) => void;
  /** Called with each part of its outputs. `true` ends it. */
  onOutput?: (text: string) => boolean;
  /** Bytes kept of each output. If there is more, the middle is cut out. */
  keep?: number;
}

export interface Finished {
  /** The exit status; `undefined` if a signal ended it or it could not be started. */
  status: number | undefined;
  signal: NodeJS.Signals | undefined;
  stdout: string;
  stderr: string;
  /** Both outputs in the order in which they arrived. */
  output: string;
  /** Which of our limits ended it, if one did. `stuck`: even SIGKILL did not end it. */
  limit: "timeout" | "silence" | "stuck" | undefined;
}

/** Whether a process ended by itself and with status 0. */
export const succeeded = (finished: Finished): boolean => finished.status === 0 && finished.limit === undefined;

/** How a process ended, for people. @param timeout the milliseconds that it had */
export function howEnded({ status, signal, limit }: Finished, timeout: number): string {
  if (limit !== undefined) return `did not end within ${Math.round(timeout / 1000)} s`;
  return `ended with status ${status ?? signal ?? "none"}`;
}

export const lastLines = (text: string, count: number): string => text.trimEnd().split("\n").slice(-count).join("\n");

const KEEP = 256 * 1024;
/** Milliseconds to wait for output after a process has exited: a process that it left behind may hold the pipe. */
const DRAIN = 200;
/** Milliseconds in which SIGKILL must take effect. A process in an uninterruptible wait does not end. */
const STUCK = 5000;

/** Keeps the start and the end of a text that may be of any length. */
export class BoundedText {
  private head: Buffer[] = [];
  private headBytes = 0;
  private tail: Buffer[] = [];
  private tailBytes = 0;
  private left = 0;

  constructor(private readonly bytes: number) {}

  add(chunk: Buffer): void {
    const room = Math.floor(this.bytes / 2) - this.headBytes;
    const first = room > 0 ? chunk.subarray(0, room) : chunk.subarray(0, 0);
    if (first.length > 0) {
      this.head.push(first);
      this.headBytes += first.length;
    }
    const rest = chunk.subarray(first.length);
    if (rest.length === 0) return;
    this.tail.push(rest);
    this.tailBytes += rest.length;
    if (this.tailBytes > this.bytes) this.trim();
  }

  private trim(): void {
    const all = Buffer.concat(this.tail);
    const kept = all.subarray(all.length - Math.ceil(this.bytes / 2));
    this.left += all.length - kept.length;
    this.tail = [kept];
    this.tailBytes = kept.length;
  }

  toString(): string {
    if (this.headBytes + this.tailBytes > this.bytes) this.trim();
    const cut = this.left === 0 ? [] : [Buffer.from(`\n[… ${this.left} bytes left out …]\n`)];
    return Buffer.concat([...this.head, ...cut, ...this.tail]).toString("utf8");
  }
}

/** Process groups that run now. A signal that ends this process ends them too. */
const groups = new Set<number>();

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has no members any more.
  }
}

function groupLives(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Ends every child when a signal ends this process. A lost terminal ends nothing: an update continues. */
export function forwardSignals(): void {
  process.on("SIGHUP", () => undefined);
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.on(signal, () => {
      for (const pid of groups) killGroup(pid, "SIGKILL");
      process.exit(signal === "SIGTERM" ? 143 : 130);
    });
}

/**
 * An environment in which programs print their messages untranslated: the agent reads them. The rest of the locale stays, such as the
 * encoding of file names. LC_ALL overrides each of the others, and LANG stands for those that are not set.
 */
function untranslated({ LC_ALL, ...env }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (LC_ALL === undefined || LC_ALL === "") return { ...env, LC_MESSAGES: "C" };
  const others = Object.entries(env).filter(([name]) => !name.startsWith("LC_"));
  return { ...Object.fromEntries(others), LANG: LC_ALL, LC_MESSAGES: "C" };
}

/** Runs a program to its end. Never throws: if the program could not be started, it has no status, and `stderr` says why. */
export function run(program: string, args: readonly string[], options: ProcessOptions = {}): Promise<Finished> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.cleanEnv === true ? options.env : { ...untranslated(process.env), ...options.env },
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    new Watch(child, options, resolve);
  });
}

/** One child, from its start to its end. */
class Watch {
  private readonly stdout: BoundedText;
  private readonly stderr: BoundedText;
  private readonly both: BoundedText;
  private readonly grace: number;
  private timers: NodeJS.Timeout[] = [];
  private silence: NodeJS.Timeout | undefined;
  private limit: Finished["limit"];
  private exit: Pick<Finished, "status" | "signal"> | undefined;
  private settled = false;
  private stopped = false;

  constructor(
    private readonly child: ChildProcess,
    private readonly options: ProcessOptions,
    private readonly resolve: (finished: Finished) => void,
  ) {
    const keep = options.keep ?? KEEP;
    [this.stdout, this.stderr, this.both] = [new BoundedText(keep), new BoundedText(keep), new BoundedText(keep)];
    this.grace = options.grace ?? 5000;
    if (child.pid !== undefined) {
      groups.add(child.pid);
      options.started?.(child.pid);
    }
    child.on("error", (error) => {
      this.stderr.add(Buffer.from(`${error.message}\n`));
      this.both.add(Buffer.from(`${error.message}\n`));
      if (child.pid === undefined) this.settle();
    });
    child.stdout?.on("data", (chunk: Buffer) => this.take(chunk, this.stdout));
    child.stderr?.on("data", (chunk: Buffer) => this.take(chunk, this.stderr));
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(options.input ?? "");
    child.on("exit", (code, signal) => this.exited(code ?? undefined, signal ?? undefined));
    child.on("close", () => this.closed());
    if (options.timeout !== undefined) this.after(options.timeout, () => this.end("timeout"));
    this.restartSilence();
  }

  private after(milliseconds: number, action: () => void): void {
    this.timers.push(setTimeout(action, milliseconds));
  }

  private restartSilence(): void {
    if (this.options.silence === undefined) return;
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.end("silence"), this.options.silence);
  }

  private take(chunk: Buffer, into: BoundedText): void {
    if (this.settled) return;
    into.add(chunk);
    this.both.add(chunk);
    if (this.options.tee === true) process.stderr.write(chunk);
    if (this.limit === undefined) this.restartSilence();
    if (this.stopped || this.options.onOutput?.(chunk.toString("utf8")) !== true) return;
    this.stopped = true;
    this.killAll();
  }

  /** A limit is reached: the whole group must end. */
  private end(limit: NonNullable<Finished["limit"]>): void {
    if (this.settled || this.limit !== undefined) return;
    this.limit = limit;
    this.killAll();
  }

  private killAll(): void {
    const { pid } = this.child;
    if (pid === undefined) return;
    killGroup(pid, "SIGTERM");
    this.after(this.grace, () => {
      killGroup(pid, "SIGKILL");
      this.after(STUCK, () => {
        this.limit = "stuck";
        this.settle();
      });
    });
  }

  private exited(status: number | undefined, signal: NodeJS.Signals | undefined): void {
    this.exit = { status, signal };
    clearTimeout(this.silence);
    const { pid } = this.child;
    if (pid === undefined || !groupLives(pid)) {
      this.after(DRAIN, () => this.settle());
      return;
    }
    // Processes that it left behind get time to finish their output.
    this.after(DRAIN, () => {
      killGroup(pid, "SIGTERM");
      this.after(Math.min(this.grace, 1000), () => {
        killGroup(pid, "SIGKILL");
        this.settle();
      });
    });
    const poll = setInterval(() => {
      if (!groupLives(pid)) this.settle();
      if (this.settled) clearInterval(poll);
    }, 20);
  }

  private closed(): void {
    const { pid } = this.child;
    if (this.exit !== undefined && (pid === undefined || !groupLives(pid))) this.settle();
  }

  private settle(): void {
    if (this.settled) return;
    this.settled = true;
    clearTimeout(this.silence);
    for (const timer of this.timers) clearTimeout(timer);
    if (this.child.pid !== undefined) groups.delete(this.child.pid);
    for (const stream of [this.child.stdin, this.child.stdout, this.child.stderr]) stream?.destroy();
    this.child.unref();
    this.resolve({
      status: this.exit?.status,
      signal: this.exit?.signal,
      stdout: this.stdout.toString(),
      stderr: this.stderr.toString(),
      output: this.both.toString(),
      limit: this.limit,
    });
  }
}
