import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../clock.js';
import { type Config, policyDocument } from '../config.js';
import type { AcceptedInteraction } from '../events/interaction.js';
import type { CircuitEvent } from '../events/schemas.js';
import type { Rejection, TrustStore } from '../ports.js';
import { Processor } from '../processor/processor.js';
import type { Weather } from '../retry.js';
import { EmbeddedStore } from '../store/embedded/store.js';
import { MemoryStore } from '../store/memory.js';
import type { CsvColumns } from '../streams/csv.js';
import { FileSink, FileSource } from '../streams/file.js';
import { MemorySink } from '../streams/memory.js';
import { PacedSource } from '../streams/paced.js';
import { PolicyBook } from '../trust/policies.js';
import { Opened } from './opened.js';
import { ReplayCounter, type ReplaySummary, type Uncounted } from './replay-counter.js';

export interface ReplayRequest {
  readonly config: Config;
  /** `-` is standard input. */
  readonly file: string;
  readonly csv: CsvColumns | null;
  /** Folder to keep the state in; null: memory. */
  readonly dataDir: string | null;
  /** Where dead letters go; null: into the data folder if there is one, else they are only counted. */
  readonly deadLetters: string | null;
  /** Times real time; null: as fast as it goes. */
  readonly speed: number | null;
  readonly signal: AbortSignal;
  readonly onCircuit: (event: CircuitEvent) => void;
  readonly onRefused: (record: number, rejection: Rejection) => void;
  /** Told of every event that counts. */
  readonly onApplied?: (event: AcceptedInteraction) => void;
  readonly onProgress: (progress: ReplayProgress) => void;
  /** Told when something cannot be done and is tried again, and when it can. */
  readonly weather: Weather;
}

export interface ReplayProgress {
  readonly events: number;
  readonly bytes: number;
  /** 0 when it is not known. */
  readonly totalBytes: number;
}

export interface ReplayResult {
  readonly summary: ReplaySummary;
  /** Events that did not count, and why. */
  readonly uncounted: Uncounted;
  /** Where dead letters were written, null if nowhere. */
  readonly deadLetters: string | null;
}

/** Runs a file through the pipeline on the events' own time, and makes what is due by the last of them. */
export async function replay(request: ReplayRequest): Promise<ReplayResult> {
  const opened = new Opened();
  try {
    const file = await openFile(request);
    opened.add(() => file.close());
    const store = await openStore(request.dataDir);
    opened.add(() => store.close());
    const counter = new ReplayCounter();
    const letters = deadLetterPath(request);
    const processor = createProcessor(request, file, store, counter, letters);
    const stop = (): void => void processor.stop();
    request.signal.addEventListener('abort', stop);
    opened.add(() => request.signal.removeEventListener('abort', stop));
    const startedAt = process.hrtime.bigint();
    await processor.run();
    if (file.failure !== null) throw file.failure;
    const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9;
    request.onProgress(progressOf(counter, file));
    const summary = counter.summary(await countOpen(store), seconds);
    return { summary, uncounted: counter.uncounted, deadLetters: letters };
  } finally {
    await opened.close();
  }
}

function createProcessor(
  request: ReplayRequest,
  file: FileSource,
  store: TrustStore,
  counter: ReplayCounter,
  letters: string | null,
): Processor {
  const { config } = request;
  const policies = new PolicyBook(policyDocument(config));
  const paced = request.speed === null ? null : new PacedSource(file, request.speed, systemClock);
  return new Processor({
    store,
    interactions: [paced ?? file],
    circuits: circuitCounter(request, counter),
    deadLetters: letters === null ? new MemorySink() : new FileSink(letters),
    policies: () => policies,
    // The events' own time; it stands still when they end, so what would be due after the last is not made.
    clock: () =>
      paced === null || paced.ended ? counter.lastTime : Math.max(counter.lastTime, paced.clock()),
    limits: config.limits,
    timedRecovery: config.timedRecovery,
    maxBatch: config.processor.maxBatch,
    weather: request.weather,
    observer: {
      applied: (event, result) => {
        counter.event(event, result);
        if (result.kind === 'applied') request.onApplied?.(event);
        if (counter.seen % 1_000 === 0) request.onProgress(progressOf(counter, file));
      },
      refused: (message, rejection) => {
        counter.deadLetters++;
        request.onRefused(message.position.sequence, rejection);
      },
    },
  });
}

function circuitCounter(request: ReplayRequest, counter: ReplayCounter): MemorySink {
  const circuits = new MemorySink();
  circuits.subscribe((message) => {
    const event = JSON.parse(Buffer.from(message.body).toString('utf8')) as CircuitEvent;
    counter.circuit(event.data);
    request.onCircuit(event);
  });
  return circuits;
}

function progressOf(counter: ReplayCounter, file: FileSource): ReplayProgress {
  return { events: counter.seen, bytes: file.bytesRead, totalBytes: file.sizeBytes };
}

function openFile({ file, csv, config }: ReplayRequest): Promise<FileSource> {
  const { maxEventBytes } = config.limits;
  return FileSource.open({ path: file, maxEventBytes, ...(csv === null ? {} : { csv }) });
}

async function openStore(dataDir: string | null): Promise<TrustStore> {
  return dataDir === null ? new MemoryStore() : EmbeddedStore.open(dataDir);
}

function deadLetterPath(request: ReplayRequest): string | null {
  if (request.deadLetters !== null) return request.deadLetters;
  if (request.dataDir === null) return null;
  mkdirSync(request.dataDir, { recursive: true });
  return join(request.dataDir, 'dead-letters.ndjson');
}

async function countOpen(store: TrustStore): Promise<number> {
  let open = 0;
  for await (const { pair } of store.circuits()) if (pair.state?.circuitState === 'OPEN') open++;
  return open;
}
