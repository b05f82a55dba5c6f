import { FulcrumError } from '../../errors.js';
import type {
  ApplyBatch,
  ApplyResult,
  Awaitable,
  CommandResult,
  CommandToApply,
  Outbox,
  TrustStore,
} from '../../ports.js';
import type { Pair } from '../../trust/record.js';
import type { TrustState } from '../../trust/state.js';
import { MemoryStore } from '../memory.js';
import { pythonState } from '../python-state.js';
import { Shipper, type ShipperCounts, type ShipperOptions } from './shipper.js';

/** Where changes are shipped, and how many may wait. */
export interface FulcrumStoreOptions {
  /** Sent as `X-API-Key`. */
  readonly apiKey: string;
  /** Events are posted to `api/trust/events` under it. @defaultValue 'https://api.fulcrumlayer.io' */
  readonly baseUrl?: string;
  /** Left out of the events when absent: then the key says whose they are. */
  readonly tenantId?: string;
  /** Where the state is kept. @defaultValue a new MemoryStore */
  readonly local?: TrustStore;
  /** How long one request may take, in ms. @defaultValue 2000 */
  readonly timeoutMs?: number;
  /** Events that may wait while the server is away; the oldest is dropped for a newer one. @defaultValue 10000 */
  readonly maxQueued?: number;
  /** How long `close` waits for what is left to be sent, in ms. @defaultValue 5000 */
  readonly closeWithinMs?: number;
  /** Told in one line when the server does not take events, and when it does again. @defaultValue nobody */
  readonly onStatus?: ShipperOptions['onStatus'];
}

/**
 * Keeps trust state here and tells a Fulcrum server of every change: local first, so that no agent ever waits for the
 * server, or learns that it is away. For `TrustManager`; the state of a processor's fleet is told by its circuit events.
 */
export class FulcrumStore implements TrustStore {
  private readonly local: TrustStore;
  private readonly shipper: Shipper;
  private readonly tenantId: string | undefined;
  private readonly closeWithinMs: number;
  readonly outbox: Outbox;

  /** @throws FulcrumError `usage` when the key, the address or a bound cannot be used */
  constructor(options: FulcrumStoreOptions) {
    const { apiKey, timeoutMs = 2_000, maxQueued = 10_000, closeWithinMs = 5_000 } = options;
    // A header takes nothing else, and fetch would say so with every event.
    if (!/^[\x21-\x7e]+$/.test(apiKey))
      throw usage('apiKey must be one or more visible ASCII characters, no blanks');
    for (const [name, value] of Object.entries({ timeoutMs, maxQueued, closeWithinMs }))
      if (!Number.isInteger(value) || value < 1)
        throw usage(`${name} must be a whole number above 0, not ${value}`);
    this.local = options.local ?? new MemoryStore();
    this.outbox = this.local.outbox;
    this.tenantId = options.tenantId;
    this.closeWithinMs = closeWithinMs;
    this.shipper = new Shipper({
      url: eventsUrl(options.baseUrl ?? 'https://api.fulcrumlayer.io'),
      headers: { 'content-type': 'application/json', 'x-api-key': apiKey },
      timeoutMs,
      maxQueued,
      onStatus: options.onStatus ?? (() => {}),
    });
  }

  /** What became of the events so far. */
  get counts(): ShipperCounts {
    return this.shipper.counts;
  }

  apply(batch: ApplyBatch): Awaitable<readonly ApplyResult[]> {
    // The states are what is told.
    const results = this.local.apply({ ...batch, states: true });
    return results instanceof Promise
      ? results.then((applied) => this.tellAll(applied))
      : this.tellAll(results);
  }

  async command(command: CommandToApply): Promise<CommandResult> {
    const result = await this.local.command(command);
    if (result.kind === 'applied' && result.state !== null) this.tell(result.state);
    return result;
  }

  read(tenant: string, pairId: string): Awaitable<Pair | null> {
    return this.local.read(tenant, pairId);
  }

  due(request: Parameters<TrustStore['due']>[0]): Awaitable<number> {
    return this.local.due(request);
  }

  announce(request: Parameters<TrustStore['announce']>[0]): ReturnType<TrustStore['announce']> {
    return this.local.announce(request);
  }

  circuits(): ReturnType<TrustStore['circuits']> {
    return this.local.circuits();
  }

  mark(marks: Parameters<TrustStore['mark']>[0]): ReturnType<TrustStore['mark']> {
    return this.local.mark(marks);
  }

  /** Waits at most so long until all that happened so far was sent; false: some of it was not. */
  flush(withinMs: number = this.closeWithinMs): Promise<boolean> {
    return this.shipper.flush(withinMs);
  }

  /** Sends what waits, for as long as `closeWithinMs`, then closes the local store. */
  async close(): Promise<void> {
    await this.shipper.flush(this.closeWithinMs);
    this.shipper.stop();
    await this.local.close();
  }

  private tellAll(results: readonly ApplyResult[]): readonly ApplyResult[] {
    for (const result of results)
      if (result.kind === 'applied' && result.state !== null) this.tell(result.state);
    return results;
  }

  private tell(state: TrustState): void {
    this.shipper.add({
      ...(this.tenantId === undefined ? undefined : { tenant_id: this.tenantId }),
      pair_id: state.pairId,
      event_type: 'TRUST_STATE_UPDATED',
      trust_score: state.trustScore,
      payload: { state: pythonState(state) },
    });
  }
}

function eventsUrl(baseUrl: string): URL {
  let base: URL;
  try {
    base = new URL(baseUrl);
  } catch (cause) {
    throw new FulcrumError('usage', `baseUrl is no URL: ${baseUrl}`, { cause });
  }
  if (base.protocol !== 'http:' && base.protocol !== 'https:')
    throw usage(`baseUrl must begin with http:// or https://, not ${base.protocol}`);
  base.pathname = `${base.pathname.replace(/\/+$/, '')}/api/trust/events`;
  return base;
}

function usage(what: string): FulcrumError {
  return new FulcrumError('usage', `FulcrumStore: ${what}`);
}
