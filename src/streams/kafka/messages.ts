import type { IHeaders, KafkaMessage } from 'kafkajs';
import type { MessageHeaders, SourceMessage } from '../../ports.js';

/** What a fetch brought of one partition. */
export interface Fetched {
  readonly messages: readonly SourceMessage[];
  /** Of all of it, in memory: one message that waits keeps its neighbours there too, wanted or not. */
  readonly bytes: number;
}

const noHeaders: MessageHeaders = {};
const noBody = new Uint8Array();
/** What a message takes in memory beside its body, about. */
const messageBytes = 512;

/**
 * Kafka messages as the processor reads them. It is done when they come, for theirs weigh more: they are short-lived so.
 *
 * @param wants which of them are for the reader; null: all
 */
export function sourceMessages(
  source: string,
  fetched: readonly KafkaMessage[],
  wants: ((message: KafkaMessage) => boolean) | null,
): Fetched {
  const messages: SourceMessage[] = [];
  let bytes = messageBytes * fetched.length;
  for (const message of fetched) {
    bytes += message.value?.length ?? 0;
    if (wants === null || wants(message)) messages.push(sourceMessage(source, message));
  }
  return { messages, bytes };
}

/** Its sequence is its offset + 1: 0 stands for nothing at all. */
function sourceMessage(source: string, { value, headers, timestamp, offset }: KafkaMessage): SourceMessage {
  const timeMs = Number(timestamp);
  return {
    body: value ?? noBody,
    headers: headers === undefined ? noHeaders : readHeaders(headers),
    tenant: null,
    position: { source, sequence: Number(offset) + 1 },
    receivedAt: timeMs >= 0 ? timeMs / 1_000 : null,
  };
}

export function offsetOf({ position }: SourceMessage): number {
  return position.sequence - 1;
}

/** Of several values of one name the last holds. */
function readHeaders(headers: IHeaders): MessageHeaders {
  const given = Object.entries(headers);
  if (given.length === 0) return noHeaders;
  // Not by assignment, which would lose a header whose name is __proto__.
  return Object.fromEntries(
    given.map(([name, value]) => {
      const last = Array.isArray(value) ? value.at(-1) : value;
      return [name.toLowerCase(), last === undefined ? '' : last.toString()];
    }),
  );
}
