/** The composition root: config in, running parts out; what was opened last is closed first. */
import { mkdirSync, unwatchFile, watchFile } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import {
  type Config,
  type ConfigOverrides,
  type LoadedConfig,
  loadConfig,
  policyDocument,
} from './config.js';
import { FulcrumError, messageOf } from './errors.js';
import type { CircuitEvent } from './events/schemas.js';
import { defaultHttpLimits } from './http/api.js';
import { createServer } from './http/server.js';
import type { Clock, EventSource, Rejection, SourceMessage, TrustStore } from './ports.js';
import { PolicyBook } from './processor/policies.js';
import { Processor } from './processor/processor.js';
import type { Weather } from './processor/retry.js';
import { ReplayCounter, type ReplaySummary } from './replay-summary.js';
import { EmbeddedStore } from './store/embedded/store.js';
import { MemoryStore } from './store/memory.js';
import type { CsvColumns } from './streams/csv.js';
import { FileSink, FileSource } from './streams/file.js';
import { MemorySink, MemoryTopic } from './streams/memory.js';
import { PacedSource } from './streams/paced.js';

const systemClock: Clock = () => Date.now() / 1_000;

/** What was opened, closed in the reverse order, each even when another fails. */
class Opened {
  private readonly closers: (() => unknown)[] = [];

  add(close: () => unknown): void {
    this.closers.push(close);
  }

  async close(): Promise<void> {
    const errors: unknown[] = [];
    for (const close of this.closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}

export interface Running {
  /** Where the API listens. */
  readonly url: string;
  /** Rejects when the processor fails in a way that trying again cannot mend. */
  readonly failed: Promise<never>;
  /** Takes nothing more in, finishes what was taken, closes the store. */
  stop(): Promise<void>;
}

/** Everything in this process: HTTP in, embedded store, server-sent events out. */
export async function startUp(
  loaded: LoadedConfig,
  overrides: ConfigOverrides,
  logger: Logger,
): Promise<Running> {
  const { config } = loaded;
  const opened = new Opened();
  try {
    const store = await EmbeddedStore.open(config.dataDir);
    opened.add(() => store.close());
    const policies = livePolicies(loaded, overrides, logger, opened);
    const topic = (name: string): MemoryTopic =>
      new MemoryTopic({ name, clock: systemClock, firstSequence: store.lastApplied(name) + 1 });
    const interactions = topic('http-interactions');
    const commands = topic('http-commands');
    const circuits = new MemorySink();
    const processor = new Processor({
      store,
      interactions: [interactions],
      commands,
      circuits,
      deadLetters: new FileSink(join(config.dataDir, 'dead-letters.ndjson')),
      policies,
      clock: systemClock,
      limits: config.limits,
      timedRecovery: config.timedRecovery,
      maxBatch: config.processor.maxBatch,
      weather: loggedWeather(logger),
    });
    const running = processor.run();
    opened.add(() => processor.stop());
    const server = createServer(
      {
        interactions,
        commands,
        store,
        onCircuit: (listener) => circuits.subscribe(listener),
        policyOf: (...pair) => policies().policyOf(...pair),
        timedRecovery: config.timedRecovery,
        clock: systemClock,
        troubled: () => processor.troubled,
        limits: { ...defaultHttpLimits, maxBodyBytes: config.http.maxBodyBytes },
      },
      // It logs every request at info; normal operation says nothing.
      logger.child({}, { level: logger.isLevelEnabled('warn') ? 'warn' : logger.level }),
    );
    opened.add(() => server.close());
    const url = await server
      .listen({ host: config.http.host, port: config.http.port })
      .catch((cause: unknown) => {
        throw new FulcrumError(
          'config',
          `cannot listen on ${config.http.host}:${config.http.port}: ${messageOf(cause)}`,
          { cause },
        );
      });
    const failed = running.then(() => new Promise<never>(() => {}));
    failed.catch(() => {});
    return { url, failed, stop: () => opened.close() };
  } catch (error) {
    await opened.close().catch(() => {});
    throw error;
  }
}

/** The policies of the config file as it is now: a change acts at once, a broken one is told and not taken. */
function livePolicies(
  loaded: LoadedConfig,
  overrides: ConfigOverrides,
  logger: Logger,
  opened: Opened,
): () => PolicyBook {
  let version = 1;
  let book = new PolicyBook(policyDocument(loaded.config, version));
  const { file } = loaded;
  if (file !== null) {
    const reload = (): void => {
      try {
        const { config } = loadConfig(file, overrides);
        book = new PolicyBook(policyDocument(config, version + 1));
        version++;
        logger.info({ file, version }, 'policies changed');
      } catch (error) {
        logger.error(
          { file, reason: messageOf(error) },
          'the changed config is not taken, the old policies hold',
        );
      }
    };
    watchFile(file, { interval: 500 }, reload);
    opened.add(() => unwatchFile(file, reload));
  }
  return () => book;
}

function loggedWeather(logger: Logger): Weather {
  return {
    failed: (what, error) => logger.error({ reason: messageOf(error) }, `cannot ${what}, trying again`),
    recovered: (what) => logger.info(`can ${what} again`),
  };
}

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
  readonly onProgress: (progress: ReplayProgress) => void;
}

export interface ReplayProgress {
  readonly events: number;
  readonly bytes: number;
  /** 0 when it is not known. */
  readonly totalBytes: number;
}

export interface ReplayResult {
  readonly summary: ReplaySummary;
  /** Events that an earlier replay into the same folder had applied. */
  readonly repeats: number;
  /** Where dead letters were written, null if nowhere. */
  readonly deadLetters: string | null;
}

/** Runs a file through the pipeline on the events' own time, and makes what is due by the last of them. */
export async function replay(request: ReplayRequest): Promise<ReplayResult> {
  const { config } = request;
  const opened = new Opened();
  try {
    const file = await FileSource.open({
      path: request.file,
      maxEventBytes: config.limits.maxEventBytes,
      ...(request.csv === null ? {} : { csv: request.csv }),
    });
    opened.add(() => file.close());
    const store = await openStore(request.dataDir);
    opened.add(() => store.close());
    const letters = deadLetterPath(request);
    const counter = new ReplayCounter();
    const circuits = new MemorySink();
    circuits.subscribe((message) => {
      const event = JSON.parse(Buffer.from(message.body).toString('utf8')) as CircuitEvent;
      counter.circuit(event.data);
      request.onCircuit(event);
    });
    const paced = request.speed === null ? null : new PacedSource(file, request.speed, systemClock);
    const source: EventSource = paced ?? file;
    let lastTime = 0;
    let ended = false;
    let done = 0;
    const processor = new Processor({
      store,
      interactions: [endTold(source, () => (ended = true))],
      circuits,
      deadLetters: letters === null ? new MemorySink() : new FileSink(letters),
      policies: constant(new PolicyBook(policyDocument(config))),
      clock: () => (paced === null || ended ? lastTime : Math.max(lastTime, paced.clock())),
      limits: config.limits,
      timedRecovery: config.timedRecovery,
      maxBatch: config.processor.maxBatch,
      observer: {
        applied: (event, result) => {
          lastTime = Math.max(lastTime, event.time);
          if (result.kind === 'applied') counter.applied(event.tenant, event.pairId);
          else if (result.kind === 'repeat') counter.repeats++;
          if (++done % 1_000 === 0) progress();
        },
        refused: (message: SourceMessage, rejection) => {
          counter.deadLetters++;
          request.onRefused(message.position.sequence, rejection);
        },
      },
    });
    const progress = (): void =>
      request.onProgress({ events: done, bytes: file.bytesRead, totalBytes: file.sizeBytes });
    const stop = (): void => void processor.stop();
    request.signal.addEventListener('abort', stop);
    opened.add(() => request.signal.removeEventListener('abort', stop));
    const startedAt = process.hrtime.bigint();
    await processor.run();
    const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9;
    progress();
    const summary = counter.summary(await countOpen(store), seconds);
    return { summary, repeats: counter.repeats, deadLetters: letters };
  } finally {
    await opened.close();
  }
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

/** The same source; `onEnd` is called when it has ended. */
function endTold(source: EventSource, onEnd: () => void): EventSource {
  return {
    name: source.name,
    headerPrefix: source.headerPrefix,
    read: async (maxMessages, maxWaitMs) => {
      const batch = await source.read(maxMessages, maxWaitMs);
      if (batch === null) onEnd();
      return batch;
    },
    close: () => source.close(),
  };
}

function constant<T>(value: T): () => T {
  return () => value;
}

async function countOpen(store: TrustStore): Promise<number> {
  let open = 0;
  for await (const { pair } of store.circuits()) if (pair.state?.circuitState === 'OPEN') open++;
  return open;
}

/** A pipeline in memory on a clock of the caller's: what the demo runs on. */
export interface MemoryPipeline {
  readonly interactions: MemoryTopic;
  readonly commands: MemoryTopic;
  readonly circuits: MemorySink;
  readonly store: TrustStore;
  stop(): Promise<void>;
}

export function startMemoryPipeline(config: Config, clock: Clock): MemoryPipeline {
  const store = new MemoryStore();
  const interactions = new MemoryTopic({ name: 'interactions', clock });
  const commands = new MemoryTopic({ name: 'commands', clock });
  const circuits = new MemorySink();
  const processor = new Processor({
    store,
    interactions: [interactions],
    commands,
    circuits,
    deadLetters: new MemorySink(),
    policies: constant(new PolicyBook(policyDocument(config))),
    clock,
    limits: config.limits,
    timedRecovery: config.timedRecovery,
    // Only what is sent moves time on: a slow machine plays the same as a fast one.
    idleMs: 3_600_000,
  });
  const running = processor.run();
  return {
    interactions,
    commands,
    circuits,
    store,
    stop: async () => {
      await processor.stop();
      await running;
    },
  };
}
