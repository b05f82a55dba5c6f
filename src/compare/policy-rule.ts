import type { TrustConfig } from '../trust/config.js';
import { unknownPair } from '../trust/record.js';
import { applyInteraction } from '../trust/step.js';
import type { Judge, OpeningRule } from './outages.js';

const names = { pairId: '', agentA: '', agentB: '' };

/** The circuits of a config, as a processor moves them. */
export function policyRule(name: string, config: TrustConfig, timedRecovery: boolean): OpeningRule {
  const policy = { name, version: 0, config, enforced: true };
  // Numbers of a log's probes are of the circuits of its own time.
  const rules = { timedRecovery, nowMs: 0, publishes: false };
  const judge = (): Judge => {
    let pair = unknownPair(names);
    return (event) => {
      const { pair: after, transitions } = applyInteraction(pair, event, '', policy, rules);
      pair = after;
      const moved = transitions.find(({ cause }) => cause.kind === 'interaction');
      const wasClosed = (moved?.from ?? after.state?.circuitState) === 'CLOSED';
      const closed = transitions.find(({ to }) => to === 'CLOSED');
      return { wasClosed, opened: wasClosed && moved?.to === 'OPEN', closedAt: closed?.occurredAt ?? null };
    };
  };
  return { name, judge };
}
