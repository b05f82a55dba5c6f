/** What the tests of the NATS adapter begin with. */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type ConnectionOptions, connect, type NatsConnection } from 'nats';
import { onTestFinished } from 'vitest';
import { FulcrumError } from '../../../src/errors.js';
import type { Channel, LogSource, SinkMessage, SourceBatch, SourceMessage } from '../../../src/ports.js';
import { NatsBroker } from '../../../src/streams/nats/broker.js';
import type { OnStatus } from '../../../src/streams/nats/link.js';
import { defaultNatsOptions, type NatsOptions } from '../../../src/streams/nats/options.js';

/** Options with names of their own: the server may hold what other tests have made. */
export function optionsFor(url: string, given: Partial<NatsOptions> = {}): NatsOptions {
  const own = randomBytes(4).toString('hex');
  return {
    ...defaultNatsOptions,
    servers: [url],
    subjectPrefix: `test-${own}.trust`,
    streams: {
      interactions: `INTERACTIONS_${own}`,
      commands: `COMMANDS_${own}`,
      circuits: `CIRCUITS_${own}`,
      deadLetters: `DEAD_LETTERS_${own}`,
      analyses: `ANALYSES_${own}`,
    },
    ...given,
  };
}

/** A broker that is closed after the test. */
export async function brokerOf(options: NatsOptions, onStatus?: OnStatus): Promise<NatsBroker> {
  const broker = await NatsBroker.connect(options, onStatus);
  onTestFinished(() => broker.close());
  return broker;
}

/** A connection of the library's own, to do what the adapter does not. */
export async function connectionTo(url: string, options: ConnectionOptions = {}): Promise<NatsConnection> {
  const opened = await connect({ servers: url, ...options });
  onTestFinished(() => opened.close());
  return opened;
}

/** A message whose body is its id. */
export function message(id: string, given: Partial<SinkMessage> = {}): SinkMessage {
  return {
    channel: 'interactions' as Channel,
    id,
    tenant: 'default',
    key: 'pair',
    headers: {},
    body: Buffer.from(id),
    ...given,
  };
}

/** Messages `first` to `first + count - 1`, each with its number as its id. */
export function messages(count: number, given: Partial<SinkMessage> = {}, first = 1): SinkMessage[] {
  return Array.from({ length: count }, (_, i) => message(String(first + i), given));
}

export const textOf = ({ body }: SourceMessage): string => Buffer.from(body).toString();
export const textsOf = (batch: SourceBatch | null): string[] | undefined => batch?.messages.map(textOf);
export const sequencesOf = (batch: SourceBatch | null): number[] | undefined =>
  batch?.messages.map(({ position }) => position.sequence);

/** The next batch that has messages; the server may be away meanwhile. */
export async function nextBatch(source: LogSource, max: number): Promise<SourceBatch> {
  for (;;) {
    const batch = await source.read(max, 10_000).catch(awayForNow);
    if (batch === null) throw new Error('the source has ended');
    if (batch === 'away') await pause(20);
    else if (batch.messages.length > 0) return batch;
  }
}

function awayForNow(error: unknown): 'away' {
  if (error instanceof FulcrumError && error.code === 'unavailable') return 'away';
  throw error;
}

/** So many messages as one batch: the server may deliver them in parts. */
export async function batchOf(source: LogSource, count: number): Promise<SourceBatch> {
  const parts: SourceBatch[] = [];
  const messages: SourceMessage[] = [];
  while (messages.length < count) {
    const part = await nextBatch(source, count - messages.length);
    parts.push(part);
    messages.push(...part.messages);
  }
  const ack = async (done: readonly SourceMessage[] = messages): Promise<void> => {
    for (const part of parts) await part.ack(part.messages.filter((one) => done.includes(one)));
  };
  return { messages, ack };
}

/** Reads and acknowledges until `count` messages have come, repeats included; gives what they say, in order. */
export async function readTexts(source: LogSource, count: number, max = 100): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) {
    const batch = await nextBatch(source, max);
    texts.push(...batch.messages.map(textOf));
    await batch.ack();
  }
  return texts;
}

/** Reads and acknowledges until so many different messages have come; gives what they say. */
export async function readAllOf(source: LogSource, count: number): Promise<Set<string>> {
  const texts = new Set<string>();
  while (texts.size < count) for (const text of await readTexts(source, 1)) texts.add(text);
  return texts;
}

/** Numbers from `first` to `last`, as the texts of {@link messages} are. */
export const numbers = (first: number, last: number): string[] =>
  Array.from({ length: last - first + 1 }, (_, i) => String(first + i));
