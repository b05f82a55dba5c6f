import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { FulcrumError, messageOf } from '../../errors.js';
import type { Redact } from '../model/secrets.js';
import type { TraceLine, TraceSink } from './trace.js';

/** A trace in a file of its own, for its owner alone: it quotes what the agents said. */
export class TraceFile implements TraceSink {
  readonly #path: string;
  readonly #redact: Redact;
  #file: number | null;
  #id: string | null;

  /** @throws FulcrumError `usage` when the folder cannot be made or written to */
  constructor(folder: string, redact: Redact, id: string = randomUUID()) {
    this.#id = id;
    this.#redact = redact;
    this.#path = join(folder, `${id}.jsonl`);
    try {
      mkdirSync(folder, { recursive: true });
      this.#file = openSync(this.#path, 'wx', 0o600);
    } catch (cause) {
      throw new FulcrumError('usage', `traces cannot be written to ${folder}: ${messageOf(cause)}`, {
        cause,
      });
    }
  }

  /** null once a write has failed: a result must not point to a trace that is not whole. */
  get id(): string | null {
    return this.#id;
  }

  /** A disk that fills up ends the trace, and not the analysis. */
  write(record: TraceLine): void {
    if (this.#file === null) return;
    const line = JSON.stringify(record, (_key, value: unknown) =>
      typeof value === 'string' ? this.#redact(value) : value,
    );
    try {
      writeSync(this.#file, `${line}\n`);
    } catch {
      this.#id = null;
      this.close();
    }
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }
}
