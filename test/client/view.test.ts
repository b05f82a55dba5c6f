import { describe, expect, it } from 'vitest';
import type { CircuitChange, PairCircuit } from '../../src/client/circuit.js';
import { CircuitView } from '../../src/client/view.js';
import { makePairId } from '../../src/trust/pair.js';

const circuit = (transition: number, fields: Partial<PairCircuit> = {}): PairCircuit => ({
  tenant: 'default',
  pairId: makePairId('ann', fields.agentB ?? 'bob'),
  agentA: 'ann',
  agentB: 'bob',
  state: 'OPEN',
  enforced: true,
  trustScore: 0.2,
  threshold: 0.3,
  transition,
  recoversAt: null,
  ...fields,
});

const change = (transition: number, state: PairCircuit['state'], fields = {}): CircuitChange => ({
  ...circuit(transition, { state, ...fields }),
  type: state === 'CLOSED' ? 'closed' : 'opened',
  from: 'CLOSED',
  occurredAt: null,
  cause: null,
});

describe('a view of circuits', () => {
  it('drops repeats and what comes late by the number of the transition, closed circuits included', () => {
    const view = new CircuitView(true);
    expect(view.take(change(5, 'OPEN'))).toBe(true);
    expect(view.take(change(5, 'OPEN'))).toBe(false);
    expect(view.take(change(4, 'CLOSED'))).toBe(false);
    expect(view.stops('bob', 'ann')).toBe(true);
    expect(view.take(change(6, 'CLOSED'))).toBe(true);
    expect(view.take(change(5, 'OPEN'))).toBe(false);
    expect(view.stops('ann', 'bob')).toBe(false);
    expect(view.take(change(7, 'OPEN'))).toBe(true);
    expect(view.stops('ann', 'bob')).toBe(true);
  });

  it.each([
    ['OPEN', true, true, true],
    ['TERMINATED', true, true, true],
    ['HALF_OPEN', true, true, false],
    ['HALF_OPEN', true, false, true],
    ['CLOSED', true, true, false],
    ['OPEN', false, true, false],
    ['TERMINATED', false, true, false],
    ['HALF_OPEN', false, false, false],
  ] as const)('%s, enforced %s, with probes %s: stops %s', (state, enforced, probes, stops) => {
    const view = new CircuitView(probes);
    view.take(change(1, state, { enforced }));
    expect(view.stops('ann', 'bob')).toBe(stops);
    expect(view.get('ann', 'bob')?.state).toBe(state === 'CLOSED' ? undefined : state);
  });

  it('learns from a list what has opened, and what has closed for it is not there', () => {
    const view = new CircuitView(true);
    view.take(change(5, 'OPEN'));
    view.take(change(5, 'OPEN', { agentB: 'eve', pairId: makePairId('ann', 'eve') }));
    const listed = circuit(9, { agentB: 'dan', state: 'TERMINATED' });
    expect(view.learnAll([circuit(5), listed])).toMatchObject([
      { type: 'closed', agentB: 'eve', from: 'OPEN', state: 'CLOSED', cause: null },
      { type: 'terminated', agentB: 'dan', from: 'CLOSED', cause: null },
    ]);
    expect([...view.notClosed()].map(({ agentB }) => agentB)).toEqual(['bob', 'dan']);
    expect(view.learnAll([circuit(5), listed])).toEqual([]);
    expect(view.learnAll([])).toHaveLength(2);
  });

  it('keeps whether a circuit is enforced as it was told, until the circuit moves', () => {
    const view = new CircuitView(true);
    view.take(change(5, 'OPEN', { enforced: false }));
    expect(view.learnAll([circuit(5, { enforced: true })])).toEqual([]);
    expect(view.get('ann', 'bob')?.enforced).toBe(false);
    view.take(change(6, 'HALF_OPEN'));
    view.take(change(7, 'OPEN'));
    expect(view.get('ann', 'bob')?.enforced).toBe(true);
    expect(view.stops('ann', 'bob')).toBe(true);
  });

  it('knows a pair of one agent, and any names', () => {
    const view = new CircuitView(true);
    for (const name of ['__proto__', 'constructor', 'a:b', '☹'])
      view.take(change(1, 'OPEN', { agentA: name, agentB: name, pairId: makePairId(name, name) }));
    expect(view.stops('__proto__', '__proto__')).toBe(true);
    expect(view.stops('constructor', 'a:b')).toBe(false);
    view.take(change(2, 'CLOSED', { agentA: '☹', agentB: '☹', pairId: makePairId('☹', '☹') }));
    expect(view.stops('☹', '☹')).toBe(false);
  });
});
