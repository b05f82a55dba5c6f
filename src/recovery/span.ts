import type { Broker, LogSource, SourceMessage } from '../ports.js';
import type { Work } from '../processor/work.js';

/** A part of each log of a channel. */
export interface Span {
  readonly channel: 'interactions' | 'commands';
  /** By log the position before its first; a log that is absent: from its start. */
  readonly after: ReadonlyMap<string, number>;
  /** By log its last position; a log that is absent: nothing. */
  readonly upTo: ReadonlyMap<string, number>;
}

/** How many positions a span has; events that retention took are among them. */
export function lengthOf({ after, upTo }: Pick<Span, 'after' | 'upTo'>): number {
  let length = 0;
  for (const [log, end] of upTo) length += Math.max(0, end - (after.get(log) ?? 0));
  return length;
}

/**
 * Reads a span through a consumer of its own. Nothing is acknowledged by it.
 *
 * @returns false when it was told to stop before all was read
 */
export async function readSpan(
  work: Pick<Work, 'must' | 'maxBatch' | 'idleMs'>,
  broker: Pick<Broker, 'follow'>,
  span: Span,
  signal: AbortSignal,
  take: (source: LogSource, messages: readonly SourceMessage[]) => Promise<void>,
): Promise<boolean> {
  const { channel, after, upTo } = span;
  const open = new Map([...upTo].filter(([log, end]) => end > (after.get(log) ?? 0)));
  if (open.size === 0) return true;
  const source = await work.must(`follow the ${channel}`, () => broker.follow(channel, after));
  try {
    while (open.size > 0) {
      if (signal.aborted) return false;
      const batch = await work.must(`read ${source.name} again`, () =>
        source.read(work.maxBatch, work.idleMs),
      );
      if (batch === null) return false;
      const wanted = batch.messages.filter(
        ({ position }) => position.sequence <= (upTo.get(position.source) ?? 0),
      );
      if (wanted.length > 0) await take(source, wanted);
      for (const { position } of batch.messages)
        if (position.sequence >= (open.get(position.source) ?? 0)) open.delete(position.source);
      if (wanted.length === 0) await closeEnded(work, source, open);
    }
    return true;
  } finally {
    await source.close();
  }
}

/** The end itself may be gone from the log: then nothing up to it is left to come. */
async function closeEnded(
  work: Pick<Work, 'must'>,
  source: LogSource,
  open: Map<string, number>,
): Promise<void> {
  const progress = await work.must(`ask ${source.name} how far it is read`, () => source.progress());
  for (const { source: log, acknowledged, next } of progress) {
    const end = open.get(log) ?? 0;
    if (next === null || acknowledged >= end || next.position.sequence > end) open.delete(log);
  }
}
