/** The way in and out over HTTP where a broker has the events: what is accepted is published there. */
import { commandToSend, sendCommand } from '../client/command.js';
import { interactionMessage } from '../client/send.js';
import { circuitEventOf } from '../events/circuit.js';
import type { EventLimits } from '../events/delivered.js';
import { isRejection } from '../events/envelope.js';
import type { Command, CommandSettlement, Intake } from '../http/api.js';
import type {
  Broker,
  Clock,
  EventSource,
  LogSource,
  MessageToSend,
  SinkMessage,
  TrustStore,
} from '../ports.js';
import type { MemorySink } from '../streams/memory.js';
import type { Pair } from '../trust/record.js';

/** How long a command's circuit event is waited for, in ms. */
const answerWithinMs = 10_000;
const readAtATime = 500;
const waitMs = 200;

export interface BrokerIntakeOptions {
  readonly broker: Broker;
  /** How the broker's binding of CloudEvents begins its headers. */
  readonly headerPrefix: EventSource['headerPrefix'];
  readonly limits: EventLimits;
  /** Stamps events that say no time, to check them; the broker stamps them anew. */
  readonly clock: Clock;
}

/** Takes interactions of requests: one that is valid is accepted when the broker has it. */
export class BrokerIntake implements Intake {
  private underWayBytes = 0;

  constructor(private readonly options: BrokerIntakeOptions) {}

  get backlogBytes(): number {
    return this.underWayBytes;
  }

  /** @throws FulcrumError `unavailable` when the broker does not take them; some may be there */
  async send(messages: readonly MessageToSend[]): Promise<void> {
    const bytes = messages.reduce((sum, { body }) => sum + body.byteLength, 0);
    this.underWayBytes += bytes;
    try {
      await this.publish(messages);
    } finally {
      this.underWayBytes -= bytes;
    }
  }

  private async publish(messages: readonly MessageToSend[]): Promise<void> {
    const { broker, headerPrefix, limits, clock } = this.options;
    const accepted: [message: MessageToSend, event: SinkMessage][] = [];
    for (const message of messages) {
      const event = interactionMessage(delivered(message, clock()), limits, headerPrefix);
      if (isRejection(event)) message.settle?.({ kind: 'rejected', rejection: event });
      else accepted.push([message, event]);
    }
    if (accepted.length === 0) return;
    await broker.sink.publish(accepted.map(([, event]) => event));
    for (const [{ settle }] of accepted) settle?.({ kind: 'accepted', changed: true, transitions: [] });
  }
}

/** Sends a command of a request through the broker, and learns what came of it. */
export async function commandThrough(
  { broker, limits, clock }: BrokerIntakeOptions,
  store: Pick<TrustStore, 'read'>,
  { body }: Command,
): Promise<CommandSettlement> {
  const command = commandToSend(body, limits, clock());
  if (isRejection(command)) return { kind: 'rejected', rejection: command };
  const look = async (): Promise<Pair | null> => store.read(command.tenant, command.pairId);
  const outcome = await sendCommand(broker, command, { withinMs: answerWithinMs, look });
  switch (outcome.kind) {
    case 'changed':
      return { kind: 'applied', events: [outcome.event] };
    case 'unchanged':
      return { kind: 'applied', events: [] };
    case 'pending':
      return outcome;
  }
}

/** What came over HTTP, as a source would deliver it. */
function delivered({ body, headers }: Pick<MessageToSend, 'body' | 'headers'>, now: number) {
  return {
    body,
    headers,
    headerPrefix: 'ce-',
    tenant: null,
    position: { source: 'http', sequence: 0 },
    receivedAt: now,
  } as const;
}

/** Hands what a broker's circuits do to those who listen in this process, until the source is closed. */
export async function passOn(
  source: LogSource,
  circuits: MemorySink,
  must: <T>(what: string, work: () => Promise<T>) => Promise<T>,
): Promise<void> {
  for (;;) {
    const batch = await must('follow the circuits', () => source.read(readAtATime, waitMs));
    if (batch === null) return;
    for (const message of batch.messages) {
      const event = circuitEventOf(message);
      if (event === null) continue;
      const { id, data } = event;
      const { headers, body } = message;
      circuits.publish([{ channel: 'circuits', id, tenant: data.tenant, key: data.pair_id, headers, body }]);
    }
  }
}
