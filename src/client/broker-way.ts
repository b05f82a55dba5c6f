/** To the fleet through a broker. */
import { FulcrumError } from '../errors.js';
import type { Broker, Probes, SinkMessage } from '../ports.js';
import { makePairId } from '../trust/pair.js';
import { changeOf } from './circuit.js';
import type { Refused } from './outbox.js';
import { eventBody, eventId, type Report, type Reporter } from './report.js';
import { watchCircuits } from './watch.js';
import type { WatchItem, Way } from './way.js';

export class BrokerWay implements Way {
  constructor(
    private readonly broker: Broker,
    private readonly reporter: Reporter,
    readonly probes: Probes | null,
  ) {}

  async send(batch: readonly Report[]): Promise<readonly Refused[]> {
    try {
      const nowMs = Date.now();
      await this.broker.sink.publish(batch.map((report) => this.messageOf(report, nowMs)));
      return [];
    } catch (error) {
      if (!(error instanceof FulcrumError) || error.code !== 'refused') throw error;
      const [report] = batch;
      if (report !== undefined && batch.length === 1)
        return [{ report, rejection: { field: '', rule: error.message } }];
      // It is one of them, and nobody says which. What the broker has of them already it drops by id.
      const refused: Refused[] = [];
      for (const one of batch) refused.push(...(await this.send([one])));
      return refused;
    }
  }

  async *watch(signal: AbortSignal): AsyncGenerator<WatchItem> {
    for await (const item of watchCircuits(this.broker, this.reporter.tenant, signal)) {
      switch (item.kind) {
        case 'circuit':
          yield { kind: 'change', change: changeOf(item.event) };
          break;
        case 'known':
          for (const event of item.events) yield { kind: 'change', change: changeOf(event) };
          yield { kind: 'known', all: null };
          break;
        default:
          yield item;
      }
    }
  }

  close(): Promise<void> {
    return this.broker.close();
  }

  private messageOf(report: Report, nowMs: number): SinkMessage {
    const { reporter } = this;
    return {
      channel: 'interactions',
      // As the processor tells duplicates: by source and id.
      id: `${reporter.tenant}/${reporter.source}/${eventId(reporter, report)}`,
      tenant: reporter.tenant,
      key: makePairId(report.agentA, report.agentB),
      headers: structured,
      body: eventBody(report, reporter, nowMs),
    };
  }
}

const structured = { 'content-type': 'application/cloudevents+json' };
