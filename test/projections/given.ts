/** What the tests of projections begin with: circuit events, as data and as messages of a stream. */
import { circuitData, circuitMessage } from '../../src/events/circuit.js';
import type { CircuitData } from '../../src/events/schemas.js';
import type { SinkMessage } from '../../src/ports.js';
import type { CircuitState } from '../../src/trust/circuit.js';
import { makePairId } from '../../src/trust/pair.js';
import type { TransitionType } from '../../src/trust/transition.js';
import { openedEntry } from '../helpers/transition.js';

export interface Move {
  readonly agents: readonly [string, string];
  readonly to: CircuitState;
  readonly transition: number;
  /** @defaultValue 0.25 */
  readonly score?: number;
  /** @defaultValue true */
  readonly enforced?: boolean;
  /** @defaultValue 'default' */
  readonly tenant?: string;
  /** @defaultValue what leads to `to` */
  readonly type?: TransitionType;
}

const types: Record<CircuitState, TransitionType> = {
  CLOSED: 'closed',
  OPEN: 'opened',
  HALF_OPEN: 'half_opened',
  TERMINATED: 'terminated',
};

function entryOf({ agents, to, transition, score = 0.25, enforced = true, tenant = 'default', type }: Move) {
  const [agentA, agentB] = agents;
  const moved = { type: type ?? types[to], to, transition, trustScore: score, enforced };
  return openedEntry({ ...moved, agentA, agentB, pairId: makePairId(agentA, agentB) }, { tenant });
}

export function circuitOf(move: Move): CircuitData {
  return circuitData(move.tenant ?? 'default', entryOf(move).transition);
}

/** The message that a relay publishes of it; with another id it is a late repeat that the broker takes again. */
export function circuitMessageOf(move: Move, idSuffix = ''): SinkMessage {
  const message = circuitMessage(entryOf(move));
  return { ...message, id: message.id + idSuffix };
}
