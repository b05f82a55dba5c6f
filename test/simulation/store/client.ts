import { isPermanent } from '../../../src/errors.js';
import type {
  AnnounceRequest,
  AnnounceResult,
  ApplyBatch,
  ApplyResult,
  CommandResult,
  CommandToApply,
  DueRequest,
  LostTail,
  OutboxEntry,
  SharedStore,
  SourceMark,
} from '../../../src/ports.js';
import { announceIn, applyBatch, applyCommandTo, type Ledger, makeDue } from '../../../src/store/engine.js';
import type { Pair } from '../../../src/trust/record.js';
import type { SimProcess } from '../process.js';
import { beginning } from '../world.js';
import type { StoreServer } from './server.js';

/** Where a pair lies. */
export function shardOf(servers: readonly StoreServer[], pairId: string): StoreServer {
  return servers[Number.parseInt(pairId.slice(0, 4), 16) % servers.length] as StoreServer;
}

/** The trust store as one process has it: each of its calls is one step of each server that it is about. */
export class SimStore implements SharedStore {
  /** The run id of each server that this process has marked last. */
  private readonly marked = new Map<StoreServer, string>();
  /** Which servers a tail was said to be lost of, and as what they ran then. */
  private readonly tails = new WeakMap<LostTail, ReadonlyMap<StoreServer, string>>();

  /** @param errorMs how wrong this process's measurement of the servers' clock is */
  constructor(
    private readonly process: SimProcess,
    private readonly servers: readonly StoreServer[],
    private readonly errorMs: number,
  ) {}

  /** Whether this process has marked every server since it last changed. */
  get upToDate(): boolean {
    return this.servers.every((server) => this.marked.get(server) === server.runId);
  }

  async apply(batch: ApplyBatch): Promise<readonly ApplyResult[]> {
    const nowMs = this.serverMs();
    const places = [...new Set(batch.events.map(({ pairId }) => shardOf(this.servers, pairId)))];
    const answers = await Promise.allSettled(
      places.map((server) => {
        const events = batch.events.filter(({ pairId }) => shardOf(this.servers, pairId) === server);
        const what = `apply ${events.map(({ position }) => position?.sequence).join(' ')}`;
        return this.ask(server, what, (ledger) => applyBatch(ledger, { ...batch, events, nowMs }));
      }),
    );
    const failures = answers.flatMap((answer) =>
      answer.status === 'rejected' ? [answer.reason as Error] : [],
    );
    if (failures.length === answers.length && failures[0] !== undefined) throw failures[0];
    const next = new Map(places.map((server) => [server, 0]));
    return batch.events.map(({ pairId }): ApplyResult => {
      const server = shardOf(this.servers, pairId);
      const answer = answers[places.indexOf(server)];
      if (answer?.status !== 'fulfilled') return { kind: 'failed', error: answer?.reason as Error };
      const at = next.get(server) ?? 0;
      next.set(server, at + 1);
      return answer.value[at] as ApplyResult;
    });
  }

  command(command: CommandToApply): Promise<CommandResult> {
    const nowMs = this.serverMs();
    const what = `${command.action} ${command.eventId}`;
    return this.ask(shardOf(this.servers, command.pairId), what, (ledger) =>
      applyCommandTo(ledger, { ...command, nowMs }),
    );
  }

  announce(request: AnnounceRequest): Promise<AnnounceResult> {
    const nowMs = this.serverMs();
    return this.ask(shardOf(this.servers, request.pairId), `announce ${request.pairId}`, (ledger) =>
      announceIn(ledger, { ...request, nowMs }),
    );
  }

  read(tenant: string, pairId: string): Promise<Pair | null> {
    return this.ask(shardOf(this.servers, pairId), 'read', (ledger) => ledger.get(tenant, pairId));
  }

  async due(request: DueRequest): Promise<number> {
    let looked = 0;
    for (const server of this.servers)
      if (looked < request.limit)
        looked += await this.ask(server, `make what is due by ${request.until.toFixed(3)}`, (ledger) =>
          makeDue(ledger, { ...request, nowMs: this.serverMs(), limit: request.limit - looked }),
        );
    return looked;
  }

  async *circuits(): AsyncIterable<{ readonly tenant: string; readonly pair: Pair }> {
    for (const server of this.servers) {
      const pairs = await this.ask(server, 'read the circuits', () => server.pairs.entries());
      for (const [key, { pair }] of pairs)
        if (pair.state !== null && pair.state.circuitState !== 'CLOSED')
          yield { tenant: key.slice(0, key.indexOf('/')), pair };
    }
  }

  readonly outbox = {
    read: async (limit: number): Promise<readonly OutboxEntry[]> => {
      const answers = await this.some(this.servers, 'read the outbox', (server) =>
        server.readOutbox(this.process.name, limit),
      );
      return answers.flat();
    },
    remove: async (entries: readonly OutboxEntry[]): Promise<readonly OutboxEntry[]> => {
      const of = (server: StoreServer): OutboxEntry[] =>
        entries.filter(({ transition }) => shardOf(this.servers, transition.pairId) === server);
      const servers = this.servers.filter((server) => of(server).length > 0);
      const gone = await Promise.all(
        servers.map((server) =>
          this.ask(server, `remove ${of(server).map(({ id }) => id)}`, () =>
            server.removeFromOutbox(this.process.name, of(server)),
          ),
        ),
      );
      return gone.flat();
    },
  };

  async mark(marks: readonly SourceMark[]): Promise<LostTail | null> {
    const lost = new Map<StoreServer, string>();
    const what = `mark ${marks.map(({ source, acknowledged, readTo }) => `${source} ${acknowledged} ${readTo?.toFixed(3)}`)}`;
    const tails = await this.some(this.servers, what, (server) => {
      const tail = server.writeMarks(marks, this.marked.get(server) ?? null);
      if (tail === null) this.marked.set(server, server.runId);
      else lost.set(server, server.runId);
      return tail;
    });
    const tail = merged(tails.filter((tail) => tail !== null));
    if (tail !== null) this.tails.set(tail, lost);
    return tail;
  }

  async adopt(tail: LostTail): Promise<boolean> {
    const lost = [...(this.tails.get(tail) ?? [])];
    const adopted = await Promise.all(
      lost.map(([server, runId]) =>
        this.ask(server, `adopt ${runId}`, () => {
          const same = server.adopt(runId);
          if (same) this.marked.set(server, runId);
          return same;
        }),
      ),
    );
    return adopted.every(Boolean);
  }

  async marks(): Promise<readonly SourceMark[]> {
    // Every server has them all; one that was away for a while is behind, which is no harm.
    let failure: unknown;
    for (const server of this.servers)
      try {
        return await this.ask(server, 'read the marks', () => server.marks());
      } catch (error) {
        failure = error;
      }
    throw failure;
  }

  async register(): Promise<void> {}

  async close(): Promise<void> {
    await this.some(this.servers, 'let the lease go', (server) =>
      server.releaseLease(this.process.name),
    ).catch(() => {});
  }

  /** What those answer that can. @throws when none can, or one for good */
  private async some<T>(
    servers: readonly StoreServer[],
    what: string,
    work: (server: StoreServer) => T,
  ): Promise<T[]> {
    const answers = await Promise.allSettled(
      servers.map((server) => this.ask(server, what, () => work(server))),
    );
    const failures = answers.flatMap((answer) =>
      answer.status === 'rejected' ? [answer.reason as Error] : [],
    );
    const grave =
      failures.find(isPermanent) ?? (failures.length === answers.length ? failures[0] : undefined);
    if (grave !== undefined) throw grave;
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  }

  private ask<T>(server: StoreServer, what: string, work: (ledger: Ledger) => T): Promise<T> {
    return this.process.call(server, what, () => server.step(work));
  }

  private serverMs(): number {
    return Math.floor(beginning * 1_000 + this.process.world.nowMs + this.errorMs);
  }
}

/** What all of them are surely not missing. */
function merged(tails: readonly LostTail[]): LostTail | null {
  const [first, ...others] = tails;
  if (first === undefined) return null;
  const from = new Map(first.from);
  for (const tail of others)
    for (const source of [...from.keys()]) {
      const position = tail.from.get(source);
      if (position === undefined) from.delete(source);
      else from.set(source, Math.min(position, from.get(source) ?? 0));
    }
  return { from, since: Math.min(...tails.map(({ since }) => since)) };
}
