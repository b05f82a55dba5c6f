/** To the fleet through the HTTP API of `fulcrum-trust up`. */
import { FulcrumError } from '../errors.js';
import type { Lease, ProbedPair, Probes } from '../ports.js';
import { changeOf, circuitOf } from './circuit.js';
import type { HttpClient } from './http.js';
import type { Refused } from './outbox.js';
import { eventBody, type Report, type Reporter } from './report.js';
import type { WatchItem, Way } from './way.js';

const newline = Buffer.from('\n');

export class HttpWay implements Way {
  private readonly stopped = new AbortController();

  constructor(
    private readonly client: HttpClient,
    private readonly reporter: Reporter,
    readonly probes: Probes,
  ) {}

  async send(batch: readonly Report[]): Promise<readonly Refused[]> {
    const nowMs = Date.now();
    const lines = batch.flatMap((report) => [eventBody(report, this.reporter, nowMs), newline]);
    try {
      const { rejected } = await this.client.publish(Buffer.concat(lines), 'application/x-ndjson');
      return rejected.flatMap(({ index, field, rule }) => {
        const report = batch[index];
        return report === undefined ? [] : [{ report, rejection: { field, rule } }];
      });
    } catch (error) {
      if (!(error instanceof FulcrumError) || error.code !== 'refused' || batch.length === 1) throw error;
      // A smaller request may be taken.
      const half = Math.ceil(batch.length / 2);
      return [...(await this.send(batch.slice(0, half))), ...(await this.send(batch.slice(half)))];
    }
  }

  async *watch(signal: AbortSignal): AsyncGenerator<WatchItem> {
    for await (const item of this.client.watch(
      this.reporter.tenant,
      AbortSignal.any([signal, this.stopped.signal]),
    ))
      switch (item.kind) {
        case 'circuit':
          yield { kind: 'change', change: changeOf(item.event) };
          break;
        case 'circuits':
          yield { kind: 'known', all: item.circuits.map(circuitOf) };
          break;
        default:
          yield item;
      }
  }

  async close(): Promise<void> {
    this.stopped.abort();
  }
}

/** Leases that the HTTP server gives. */
export class HttpProbes implements Probes {
  constructor(private readonly client: HttpClient) {}

  lease(pair: ProbedPair, holder: string, lastsMs: number): Lease {
    return new HttpLease(this.client, pair, holder, lastsMs);
  }
}

class HttpLease implements Lease {
  lastsMs: number;

  constructor(
    private readonly client: HttpClient,
    private readonly pair: ProbedPair,
    private readonly holder: string,
    private readonly wantedMs: number,
  ) {
    this.lastsMs = wantedMs;
  }

  async hold(): Promise<boolean> {
    const { granted, lasts_ms: lastsMs } = await this.ask(false);
    if (granted) this.lastsMs = lastsMs;
    return granted;
  }

  async release(): Promise<void> {
    await this.ask(true);
  }

  private ask(release: boolean) {
    const { tenant, agentA, agentB, transition } = this.pair;
    return this.client.probe({
      tenant,
      agent_a: agentA,
      agent_b: agentB,
      transition,
      holder: this.holder,
      lasts_ms: this.wantedMs,
      release,
    });
  }
}
