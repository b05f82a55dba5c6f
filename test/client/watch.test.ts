import { expect, it } from 'vitest';
import { type BrokerItem, watchCircuits } from '../../src/client/watch.js';
import { circuitMessage } from '../../src/events/circuit.js';
import type { Broker, LogSource, SourceMessage, SourceProgress } from '../../src/ports.js';
import { openedEntry } from '../helpers/transition.js';

function circuit(sequence: number, transition: number): SourceMessage {
  const { body, headers } = circuitMessage(openedEntry({ transition }));
  return { body, headers, tenant: null, position: { source: 'log', sequence }, receivedAt: null };
}

it('takes nothing for news before every log has said how far it is read', async () => {
  // As a Kafka topic is read: at first it has not joined, then what it fetched comes.
  const reads = [[], [circuit(1, 10)], [circuit(2, 11)], [circuit(3, 12)]];
  const at = (acknowledged: number, last: number): SourceProgress[] => [
    { source: 'log', acknowledged, last, next: acknowledged < last ? circuit(acknowledged + 1, 11) : null },
  ];
  const progress = [[], at(1, 2), at(2, 2), at(3, 3)];
  let asked = 0;
  const source: LogSource = {
    name: 'circuits',
    system: 'kafka',
    headerPrefix: 'ce_',
    read: async () => {
      const messages = reads.shift();
      return messages === undefined ? null : { messages, ack: () => {} };
    },
    logs: () => ['log'],
    progress: () => progress[asked++] ?? [],
    close: () => {},
  };
  const broker: Pick<Broker, 'follow'> = { follow: async () => source };
  const items: BrokerItem[] = [];
  for await (const item of watchCircuits(broker, undefined, new AbortController().signal)) items.push(item);
  expect(items).toMatchObject([
    { kind: 'known', events: [{ data: { transition: 11 } }] },
    { kind: 'circuit', event: { data: { transition: 12 } } },
  ]);
});
