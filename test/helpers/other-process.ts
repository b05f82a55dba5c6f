/** The stores of a folder in another process, as they are built. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { ApplyBatch, ApplyResult } from '../../src/ports.js';
import type { TranscriptBounds, TurnToKeep } from '../../src/rlm/ports.js';

export interface OtherProcess {
  readonly refused?: { readonly code: string; readonly message: string };
  /** Lets it close the store and end. */
  stop(): Promise<void>;
  /** Kills it, as the system does when memory is short: nothing of it runs any more. */
  kill(): Promise<void>;
}

/** One that applied a batch. */
export interface ApplyingProcess extends OtherProcess {
  /** What came of its batch; absent when it was refused. */
  readonly results?: readonly ApplyResult[];
}

/** One that adds turns. */
export interface AddingProcess extends OtherProcess {
  /** Gives it a batch to add, after those that it was given before. */
  add(batch: readonly TurnToKeep[]): void;
  /** How many batches it has said to be safe. */
  safe(): number;
  /** Resolves when it has said so of this many; rejects when it ends before. */
  untilSafe(batches: number): Promise<void>;
}

/** Starts a process that opens `folder`, applies `batch` and then holds the folder. */
export async function holdStore(folder: string, batch: ApplyBatch): Promise<ApplyingProcess> {
  const { first, stop, kill } = await start('hold-store.mjs', folder, JSON.stringify(batch));
  return { ...(first as Pick<ApplyingProcess, 'results' | 'refused'>), stop, kill };
}

/** Starts a process that opens transcripts in `folder`, and holds it while it adds what it is given. */
export async function holdTranscripts(folder: string, bounds: TranscriptBounds): Promise<AddingProcess> {
  const { first, child, ended, stop, kill } = await start(
    'hold-transcripts.mjs',
    folder,
    JSON.stringify(bounds),
  );
  let safe = 0;
  const listeners = new Set<() => void>();
  child.lines.on('line', () => {
    safe += 1;
    for (const listener of listeners) listener();
  });
  return {
    ...(first as Pick<OtherProcess, 'refused'>),
    stop,
    kill,
    safe: () => safe,
    add: (batch) => void child.stdin.write(`${JSON.stringify(batch)}\n`),
    untilSafe: (batches) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (safe >= batches) resolve();
        };
        listeners.add(look);
        look();
        void ended.then(() => reject(new Error(`it ended when ${safe} of ${batches} batches were safe`)));
      }),
  };
}

type Child = ChildProcessByStdio<Writable, Readable, null> & { lines: ReturnType<typeof createInterface> };

/** Starts a script beside this file and waits for the first line of JSON that it says. */
async function start(script: string, ...args: string[]) {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const spawned = spawn(process.execPath, [path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const child: Child = Object.assign(spawned, { lines: createInterface(spawned.stdout) });
  // It may be killed before it has read all.
  child.stdin.on('error', () => {});
  // With all that it said, which may come after it is gone.
  const ended = Promise.all([once(child, 'close'), once(child.lines, 'close')]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = await Promise.race([once(child.lines, 'line'), ended]);
  if (typeof said[0] !== 'string') throw new Error(`${script} ended with ${said[0]} and said nothing`);
  return {
    first: JSON.parse(said[0]) as object,
    child,
    ended,
    stop: async () => {
      child.stdin.end();
      await ended;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
