/** Following circuits through a broker. */
import { CatchUp } from '../catch-up.js';
import { circuitEventOf } from '../events/circuit.js';
import type { CircuitEvent } from '../events/schemas.js';
import type { Broker } from '../ports.js';

export type BrokerItem =
  /** The last known circuits that are not CLOSED, before anything that changes from now on. */
  | { readonly kind: 'known'; readonly events: readonly CircuitEvent[] }
  | { readonly kind: 'circuit'; readonly event: CircuitEvent };

const readAtATime = 500;
const waitMs = 200;

/** The circuits as they stand, then each change once, until `signal` aborts. */
export async function* watchCircuits(
  broker: Pick<Broker, 'follow'>,
  tenant: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<BrokerItem> {
  const source = await broker.follow('circuits', 'start', tenant);
  signal.addEventListener('abort', () => void source.close(), { once: true });
  const newest = new Map<string, CircuitEvent>();
  const catchUp = new CatchUp();
  let known = false;
  for (;;) {
    const batch = signal.aborted ? null : await source.read(readAtATime, waitMs);
    if (batch === null) return;
    for (const message of batch.messages) {
      const event = circuitEventOf(message);
      if (event === null || !isNews(newest, event)) continue;
      if (known) yield { kind: 'circuit', event };
    }
    if (!known && catchUp.isDone(source.logs(), await source.progress())) {
      known = true;
      yield { kind: 'known', events: [...newest.values()].filter(({ data }) => data.to !== 'CLOSED') };
    }
  }
}

/** A late repeat may follow a pair's newest event: the highest transition holds. */
function isNews(newest: Map<string, CircuitEvent>, event: CircuitEvent): boolean {
  const pair = `${event.data.tenant}/${event.data.pair_id}`;
  const before = newest.get(pair);
  if (before !== undefined && before.data.transition >= event.data.transition) return false;
  newest.set(pair, event);
  return true;
}
