import type { IHeaders, KafkaMessage } from 'kafkajs';
import type { MessageHeaders, SourceMessage } from '../../ports.js';

const noHeaders: MessageHeaders = {};
const noBody = new Uint8Array();

/** A Kafka message as the processor reads it. Its sequence is its offset + 1: 0 stands for nothing at all. */
export function sourceMessage(source: string, message: KafkaMessage): SourceMessage {
  const timestamp = Number(message.timestamp);
  return {
    body: message.value ?? noBody,
    headers: message.headers === undefined ? noHeaders : readHeaders(message.headers),
    tenant: null,
    position: { source, sequence: Number(message.offset) + 1 },
    receivedAt: timestamp >= 0 ? timestamp / 1_000 : null,
  };
}

/** Of several values of one name the last holds. */
function readHeaders(headers: IHeaders): MessageHeaders {
  const entries = Object.entries(headers);
  if (entries.length === 0) return noHeaders;
  return Object.fromEntries(
    entries.map(([name, value]) => {
      const last = Array.isArray(value) ? value.at(-1) : value;
      return [name.toLowerCase(), last === undefined ? '' : last.toString()];
    }),
  );
}

/** What a message takes in memory beside its body, about. */
const messageBytes = 512;

export function bytesOf(messages: readonly KafkaMessage[]): number {
  let bytes = messages.length * messageBytes;
  for (const { value } of messages) bytes += value?.length ?? 0;
  return bytes;
}
