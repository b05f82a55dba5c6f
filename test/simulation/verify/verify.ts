import type { Bus } from '../bus/bus.js';
import type { Fleet } from '../fleet.js';
import type { StoreServer } from '../store/server.js';
import type { Plan } from '../story/plan.js';
import { brokenCircuits } from './circuits.js';
import { brokenEvidence } from './evidence.js';
import { brokenLimits } from './limits.js';

/** What is left when all is quiet. */
export interface Remains {
  readonly plan: Plan;
  readonly bus: Bus;
  readonly servers: readonly StoreServer[];
  readonly fleet: Fleet;
  readonly nowSeconds: number;
}

/** Everything that does not hold in the end. It knows the logs and the states, and nothing of how they came about. */
export function verify(remains: Remains): string[] {
  return [...brokenEvidence(remains), ...brokenCircuits(remains), ...brokenLimits(remains)];
}
