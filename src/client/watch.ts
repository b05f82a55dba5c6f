/** Following circuits through a broker. */
import { CatchUp } from '../catch-up.js';
import { systemTimers } from '../clock.js';
import { FulcrumError, isPermanent } from '../errors.js';
import { circuitEventOf } from '../events/circuit.js';
import type { CircuitEvent } from '../events/schemas.js';
import type { Broker, LogSource } from '../ports.js';

export type BrokerItem =
  /**
   * All that the log holds has been told. The first time: the last known circuits that are not CLOSED, before anything
   * that changes from now on. After an outage: none, since what changed meanwhile was told as it came.
   */
  | { readonly kind: 'known'; readonly events: readonly CircuitEvent[] }
  | { readonly kind: 'circuit'; readonly event: CircuitEvent }
  /** A message that is no circuit event. */
  | { readonly kind: 'invalid' }
  /** Changes may go unheard, until `known`. Told again and again while it lasts. */
  | { readonly kind: 'disconnected'; readonly error: FulcrumError };

const readAtATime = 500;
const waitMs = 200;
const againMs = 250;

/**
 * The circuits as they stand, then each change once, until `signal` aborts. A broker that is away is waited for.
 *
 * @throws FulcrumError for what waiting cannot mend
 */
export async function* watchCircuits(
  broker: Pick<Broker, 'follow'>,
  tenant: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<BrokerItem> {
  const source = await broker.follow('circuits', 'last', tenant);
  const close = (): void => void source.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    yield* watchSource(source, signal);
  } finally {
    signal.removeEventListener('abort', close);
    await source.close();
  }
}

async function* watchSource(source: LogSource, signal: AbortSignal): AsyncGenerator<BrokerItem> {
  const transitions = new Map<string, number>();
  /** The newest event of each pair, until the first time that all has been told. */
  let newest: Map<string, CircuitEvent> | null = new Map();
  let catchUp: CatchUp | null = new CatchUp();
  while (!signal.aborted) {
    try {
      const batch = await source.read(readAtATime, waitMs);
      if (batch === null) return;
      for (const message of batch.messages) {
        const event = circuitEventOf(message);
        if (event === null) yield { kind: 'invalid' };
        else if (isNews(transitions, event)) {
          if (newest === null) yield { kind: 'circuit', event };
          else newest.set(pairOf(event), event);
        }
      }
      if (catchUp === null || !catchUp.isDone(source.logs(), await source.progress())) continue;
      catchUp = null;
    } catch (error) {
      if (!(error instanceof FulcrumError) || isPermanent(error)) throw error;
      catchUp = new CatchUp();
      yield { kind: 'disconnected', error };
      await systemTimers.sleep(againMs, signal);
      continue;
    }
    yield { kind: 'known', events: [...(newest?.values() ?? [])].filter(({ data }) => data.to !== 'CLOSED') };
    newest = null;
  }
}

/** A late repeat may follow a pair's newest event: the highest transition holds. */
function isNews(transitions: Map<string, number>, event: CircuitEvent): boolean {
  const pair = pairOf(event);
  if ((transitions.get(pair) ?? 0) >= event.data.transition) return false;
  transitions.set(pair, event.data.transition);
  return true;
}

function pairOf({ data }: CircuitEvent): string {
  return `${data.tenant}/${data.pair_id}`;
}
