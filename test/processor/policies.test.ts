import { describe, expect, it } from 'vitest';
import { TrustValueError } from '../../src/trust/errors.js';
import { matchesGlob, PolicyBook, type PolicyEntry } from '../../src/trust/policies.js';
import { deliver, failure, opening, policyBook, start, startPipeline, success } from './given.js';

function nameOf(policies: readonly PolicyEntry[], tenant: string, agentA: string, agentB: string): string {
  return policyBook(policies).policyOf(tenant, agentA, agentB).name;
}

describe('a policy', () => {
  const coders: PolicyEntry = { name: 'coders', match: { agents: ['planner', 'coder-*'] } };

  it('matches its two agents in either order', () => {
    expect(nameOf([coders], 'default', 'planner', 'coder-1')).toBe('coders');
    expect(nameOf([coders], 'default', 'coder-1', 'planner')).toBe('coders');
  });

  it('needs both of its globs: one agent is not enough, nor is one that fits twice', () => {
    expect(nameOf([coders], 'default', 'planner', 'writer')).toBe('default');
    expect(nameOf([coders], 'default', 'coder-1', 'coder-2')).toBe('default');
  });

  it('yields to one that stands before it', () => {
    const all: PolicyEntry = { name: 'all', match: {} };
    expect(nameOf([coders, all], 'default', 'planner', 'coder-1')).toBe('coders');
    expect(nameOf([all, coders], 'default', 'planner', 'coder-1')).toBe('all');
  });

  it('matches tenants by glob', () => {
    const eu: PolicyEntry = { name: 'eu', match: { tenant: 'eu-*' } };
    expect(nameOf([eu], 'eu-1', 'a', 'b')).toBe('eu');
    expect(nameOf([eu], 'us-1', 'a', 'b')).toBe('default');
    expect(nameOf([eu], 'my-eu-1', 'a', 'b')).toBe('default');
  });

  it('starts from the default config and changes what it names', () => {
    const book = new PolicyBook({
      version: 7,
      default: { threshold: 0.4, successWeight: 2 },
      policies: [{ name: 'all', match: {}, trust: { threshold: 0.2 } }],
    });
    const { config, version } = book.policyOf('default', 'a', 'b');
    expect(config).toMatchObject({ threshold: 0.2, successWeight: 2, failureWeight: 1 });
    expect(version).toBe(7);
  });

  it('is found again after very many pairs', () => {
    const book = policyBook([coders]);
    for (let i = 0; i < 120_000; i++) book.policyOf('default', `agent-${i}`, 'x');
    expect(book.policyOf('default', 'coder-9', 'planner').name).toBe('coders');
  });

  it('is refused with the name of policy, knob, value and rule when a knob is out of range', () => {
    const make = () => policyBook([{ name: 'strict', match: {}, trust: { threshold: 1.5 } }]);
    expect(make).toThrow(TrustValueError);
    expect(make).toThrow('policy strict: threshold must be in (0, 1), both ends excluded, got 1.5');
  });

  it('is refused with an alphaMax below 1, which decay would lift alpha over', () => {
    const trust = { alphaPrior: 0.5, alphaMax: 0.8 };
    const make = () => policyBook([{ name: 'capped', match: {}, trust }]);
    expect(make).toThrow('policy capped: alphaMax must be null or >= 1 in a policy, got 0.8');
    expect(() => policyBook([{ name: 'capped', match: {}, trust: { alphaMax: 1 } }])).not.toThrow();
  });

  it('is refused as the default policy too', () => {
    expect(() => new PolicyBook({ version: 1, default: { halfLifeSeconds: 0 }, policies: [] })).toThrow(
      'policy default: halfLifeSeconds must be > 0 (Infinity turns decay off), got 0',
    );
  });
});

describe('a glob', () => {
  it.each([
    ['*', '', true],
    ['*', 'any:thing\u2028at all', true],
    ['a*c', 'abbbc', true],
    ['a*c', 'abbb', false],
    ['a?c', 'abc', true],
    ['a?c', 'a😀c', true],
    ['a?c', 'ac', false],
    ['a.c', 'abc', false],
    ['a.c', 'a.c', true],
    ['(a|b)', 'a', false],
    ['[ab]', 'a', false],
    ['a\\*', 'a\\anything', true],
    ['agent', 'agent-1', false],
    ['agent', 'Agent', false],
  ])('%j on %j: %s', (glob, text, matches) => {
    expect(matchesGlob(glob, text)).toBe(matches);
  });
});

describe('policies in the pipeline', () => {
  it('judge each pair of one batch by its own', async () => {
    const book = policyBook([{ name: 'strict', match: { agents: ['*', 'x'] }, trust: { threshold: 0.45 } }]);
    const { interactions, circuitEvents } = startPipeline(() => ({ policies: () => book }));
    await deliver(interactions, [failure(start), failure(start, { agent_b: 'x' })]);
    expect(circuitEvents).toMatchObject([
      { data: { agent_b: 'x', threshold: 0.45, policy: { name: 'strict', version: 1 } } },
    ]);
  });

  it('act from the next update of a pair: a change alone moves no circuit', async () => {
    let book = policyBook();
    const { interactions, circuitEvents, state } = startPipeline(() => ({ policies: () => book }));
    await deliver(interactions, [failure(start)]);
    book = policyBook([{ name: 'strict', match: {}, trust: { threshold: 0.49 } }], 2);
    await deliver(interactions, [success(start, { agent_b: 'other' })]);
    expect(await state()).toMatchObject({ circuitState: 'CLOSED' });
    expect(circuitEvents).toEqual([]);
    await deliver(interactions, [failure(start)]);
    expect(circuitEvents).toMatchObject([
      { data: { to: 'OPEN', threshold: 0.49, policy: { name: 'strict', version: 2 } } },
    ]);
  });

  it('say when a silent circuit recovers as they are then, not as they were when it opened', async () => {
    let book = policyBook();
    const { interactions, circuitEvents, setTime, processor } = startPipeline(() => ({
      policies: () => book,
    }));
    await deliver(interactions, opening(start));
    book = policyBook([{ name: 'slower', match: {}, trust: { halfLifeSeconds: 2 * 86_400 } }], 2);
    const forecast = circuitEvents[0]?.data.recovers_at as number;
    setTime(start + 3 * (forecast - start));
    await processor.stop();
    expect(circuitEvents[1]?.data.occurred_at).toBeCloseTo(start + 2 * (forecast - start), 6);
  });

  it('in shadow mode circuits are computed and published, and nobody has to stop', async () => {
    const book = policyBook([{ name: 'shadow', match: { agents: ['a', 'b'] }, enforced: false }]);
    const { interactions, circuitEvents } = startPipeline(() => ({ policies: () => book }));
    await deliver(interactions, [...opening(start), ...opening(start, { agent_b: 'c' })]);
    expect(circuitEvents).toMatchObject([
      { data: { agent_b: 'b', to: 'OPEN', enforced: false } },
      { data: { agent_b: 'c', to: 'OPEN', enforced: true } },
    ]);
  });
});
