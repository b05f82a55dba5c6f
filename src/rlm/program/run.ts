import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { ProgramEnd, ProgramHost, ProgramLimits, RunProgram } from '../ports.js';
import { answerCall } from './answer-call.js';
import { checkLimits } from './limits.js';
import {
  causeOf,
  type FromThread,
  mostProgramLength,
  ranTooLong,
  type ThreadData,
  type ToThread,
} from './messages.js';

/**
 * Runs a program in an interpreter of its own in a thread of its own, and ends the thread with it. The guest is
 * interrupted after `cpuMs`. As a long native call is not, the thread is ended from here a second after that, and in any
 * case after `deadlineMs`. Aborting the signal ends it too.
 *
 * @throws FulcrumError `usage` for limits out of range
 * @throws whatever the host throws that is no FulcrumError: a fault that is not the program's
 */
export const runProgram: RunProgram = async (program, host, limits, signal) => {
  checkLimits(limits);
  if (signal?.aborted === true) return { kind: 'killed', cause: toldToStop };
  if (program.length > mostProgramLength)
    return { kind: 'failed', cause: `a program may have ${mostProgramLength} characters` };
  const wasm = await interpreter();
  return new Run(host, limits).end(program, wasm, signal);
};

const toldToStop = 'it was told to stop';
/** How long a guest may go on after it should have been interrupted, ms. */
const graceMs = 1_000;

let compiled: Promise<WebAssembly.Module> | undefined;

/** Compiled once in a process; threads share the code. */
function interpreter(): Promise<WebAssembly.Module> {
  const path = createRequire(import.meta.url).resolve('@jitl/quickjs-wasmfile-release-sync/wasm');
  compiled ??= readFile(path).then((bytes) => WebAssembly.compile(bytes));
  return compiled;
}

/** One thread, from its start to its end. */
class Run {
  readonly #channel = new MessageChannel();
  readonly #answered = new SharedArrayBuffer(4);
  readonly #ended: Promise<ProgramEnd>;
  #resolve: (end: ProgramEnd) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #over = false;
  /** Ends a guest that is not interrupted when it should be; runs only while the guest does. */
  #watchdog: NodeJS.Timeout | undefined;
  #ranMs = 0;
  #resumedAt = 0;

  constructor(
    private readonly host: ProgramHost,
    private readonly limits: ProgramLimits,
  ) {
    this.#ended = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  async end(program: string, wasm: WebAssembly.Module, signal: AbortSignal | undefined): Promise<ProgramEnd> {
    const { port1: mine, port2: port } = this.#channel;
    const { deadlineMs } = this.limits;
    const stop = (): void => this.#kill(toldToStop);
    const deadline = setTimeout(() => this.#kill(`it took more than ${deadlineMs} ms`), deadlineMs);
    signal?.addEventListener('abort', stop, { once: true });
    const worker = this.#start({ program, wasm, limits: this.limits, answered: this.#answered, port });
    try {
      return await this.#ended;
    } finally {
      this.#over = true;
      clearTimeout(deadline);
      clearTimeout(this.#watchdog);
      signal?.removeEventListener('abort', stop);
      mine.close();
      await worker.terminate();
    }
  }

  #start(data: ThreadData): Worker {
    const worker = new Worker(new URL('./thread.js', import.meta.url), {
      workerData: data,
      transferList: [data.port],
      env: {},
      execArgv: [],
      // What an interpreter that aborts prints is told by its end.
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 },
    });
    worker.on('message', (message: FromThread) => this.#hear(message));
    worker.once('error', (error) => this.#kill(`its interpreter failed: ${error.message}`));
    worker.once('exit', () => this.#kill('its thread ended before it did'));
    return worker;
  }

  #hear(message: FromThread): void {
    switch (message.kind) {
      case 'ready':
        this.#resume();
        break;
      case 'call':
        this.#pause();
        answerCall(this.host, message).then((answer) => this.#answer(answer), this.#reject);
        break;
      case 'end':
        this.#resolve(message.end);
        break;
    }
  }

  /** What comes after the end is for nobody. */
  #answer(answer: ToThread): void {
    if (this.#over) return;
    this.#channel.port1.postMessage(answer);
    const flag = new Int32Array(this.#answered);
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
    this.#resume();
  }

  #resume(): void {
    this.#resumedAt = performance.now();
    const left = this.limits.cpuMs + graceMs - this.#ranMs;
    this.#watchdog = setTimeout(() => this.#kill(ranTooLong(this.limits)), left);
  }

  #pause(): void {
    clearTimeout(this.#watchdog);
    this.#ranMs += performance.now() - this.#resumedAt;
  }

  #kill(cause: string): void {
    this.#resolve({ kind: 'killed', cause: causeOf(cause) });
  }
}
