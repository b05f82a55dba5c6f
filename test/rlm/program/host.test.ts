import { describe, expect, it } from 'vitest';
import { Budget, type BudgetBounds, defaultBounds } from '../../../src/rlm/budget.js';
import { Context, type Partition } from '../../../src/rlm/context.js';
import { Watched } from '../../../src/rlm/navigate/watched.js';
import { mostHitLength } from '../../../src/rlm/program/grep.js';
import { NavigationHost, type PartitionModel } from '../../../src/rlm/program/host.js';

/** 40 turns in partitions of 20 tokens, 4 turns each. */
const turns = Array.from({ length: 40 }, (_, i) => ({
  speaker: i % 2 === 0 ? 'ann' : 'bob',
  text: `turn ${i} says ${i === 17 ? 'Thank  you' : 'nothing new'}`,
  ...(i === 3 ? {} : { eventId: `e${i}` }),
}));
const context = await Context.of('s', turns, { partitionTokens: 20 });

function hostWith(
  bounds: Partial<BudgetBounds> = {},
  model: PartitionModel | null = null,
): { host: NavigationHost; budget: Budget } {
  const budget = new Budget({ ...defaultBounds, ...bounds });
  return { host: new NavigationHost({ context, budget, model }), budget };
}

describe('the primitives', () => {
  it('give the handles, and those of the middle', async () => {
    const { host } = hostWith();
    expect(await host.call('handles', [])).toEqual(context.handles);
    expect(await host.call('middleHandles', [])).toEqual(context.handles.slice(1, 9));
  });

  it('peek shows a partition with as many on both sides as asked for', async () => {
    const { host, budget } = hostWith();
    const alone = (await host.call('peek', ['ctx://s/0004'])) as Partition[];
    expect(alone.map(({ handle, firstTurn, lastTurn }) => [handle, firstTurn, lastTurn])).toEqual([
      ['ctx://s/0004', 16, 19],
    ]);
    expect(budget.spent().peekedBytes).toBe(Buffer.byteLength(alone[0]?.text ?? ''));
    const near = (await host.call('peek', ['ctx://s/0000', 2])) as Partition[];
    expect(near.map(({ handle }) => handle)).toEqual(['ctx://s/0000', 'ctx://s/0001', 'ctx://s/0002']);
  });

  it('grep finds texts, whatever their case and white space, with the turn they are in', async () => {
    const { host } = hostWith();
    expect(await host.call('grep', ['thank you'])).toEqual({
      count: 1,
      hits: [{ handle: 'ctx://s/0004', turn: 17, line: 'bob: turn 17 says Thank  you' }],
    });
    expect(await host.call('grep', ['turn 1 says| TURN 39 |'])).toMatchObject({
      count: 2,
      hits: [{ turn: 1 }, { turn: 39 }],
    });
    const all = (await host.call('grep', ['says'])) as { count: number; hits: unknown[] };
    expect([all.count, all.hits.length]).toEqual([40, 40]);
  });

  it('grep takes nothing for a regular expression', async () => {
    const { host } = hostWith();
    for (const pattern of ['.*', '(t+)+$', '[a-z]', '\\w', 't?', '^ann', '{', '/'])
      expect(await host.call('grep', [pattern])).toEqual({ count: 0, hits: [] });
    await expect(host.call('grep', [' | '])).rejects.toThrow(
      'grep: pattern must be 1 to 16 texts apart by |',
    );
  });

  it('grep shows so much of a long line that the match is in it, and finds turns in what was cut', async () => {
    const long = `${'word '.repeat(3_000)}needle ${'word '.repeat(3_000)}`;
    const cut = await Context.of('l', [
      { speaker: 'a', text: 'first' },
      { speaker: 'b', text: long },
      { speaker: 'c', text: 'needle\nand more needle' },
    ]);
    const host = new NavigationHost({ context: cut, budget: new Budget(), model: null });
    const { hits } = (await host.call('grep', ['needle'])) as { hits: { turn: number; line: string }[] };
    expect(hits.map(({ turn }) => turn)).toEqual([1, 2, 2]);
    for (const { line } of hits) expect(line).toContain('needle');
    expect(hits[0]?.line).toHaveLength(mostHitLength);
    expect(hits[2]?.line).toBe('and more needle');
  });

  it.each([
    ['peek', [], 'peek: arguments: '],
    ['peek', ['ctx://s/0099'], 'there is no such handle: take one of handles()'],
    ['peek', ['ctx://s/0001', 9], 'peek: radius: '],
    ['peek', ['ctx://s/0001', 1.5], 'peek: radius: '],
    ['peek', ['ctx://s/0001', '1'], 'peek: radius: '],
    ['peek', ['__proto__'], 'there is no such handle'],
    ['peek', [{ __proto__: null, toString: 1 }], 'peek: handle: '],
    ['handles', [1], 'handles: arguments: '],
    ['grep', [['a']], 'grep: pattern: '],
    ['grep', ['x'.repeat(201)], 'grep: pattern: '],
    ['llmBatch', [[], 'why?'], 'llmBatch: handles'],
    ['llmBatch', [Array(17).fill('ctx://s/0001'), 'why?'], 'llmBatch: handles'],
    ['llmBatch', [['ctx://s/0001'], ' '], 'llmBatch: question: '],
    ['llmBatch', [['ctx://s/0001'], 'why?'], 'llmBatch: this analysis has no model'],
    ['recordStep', ['x'.repeat(9_000)], 'recordStep: step: must have 8000 characters as JSON at most'],
    ['updateAnswer', ['a loop'], 'updateAnswer: answer: '],
  ] as const)(
    'refuse wrong arguments, naming the argument and the rule: %s %j',
    async (primitive, args, message) => {
      const { host, budget } = hostWith();
      await expect(host.call(primitive, args)).rejects.toThrow(message);
      expect(budget.spent()).toMatchObject({ steps: 1, peekedBytes: 0, modelCalls: 0 });
    },
  );
});

describe('llmBatch', () => {
  const model = (ask: PartitionModel['ask']): PartitionModel => ({
    atMost: (partitions) => ({
      modelCalls: partitions.length,
      tokens: partitions.length * 1_000,
      cost: 0.01,
    }),
    ask,
  });
  const ask = ['llmBatch', [['ctx://s/0001', 'ctx://s/0002'], 'why?']] as const;

  it('is reserved before the model is asked, and settled with what it took', async () => {
    let leftMeanwhile = 0;
    const { host, budget } = hostWith(
      { tokens: 5_000 },
      model(async (partitions, question) => {
        leftMeanwhile = budget.left('tokens');
        return {
          answers: partitions.map(({ handle }) => ({ handle, question })),
          used: { modelCalls: 2, tokens: 700, cost: 0.002 },
        };
      }),
    );
    expect(await host.call(...ask)).toEqual([
      { handle: 'ctx://s/0001', question: 'why?' },
      { handle: 'ctx://s/0002', question: 'why?' },
    ]);
    expect(leftMeanwhile).toBe(3_000);
    expect(budget.spent()).toMatchObject({ modelCalls: 2, tokens: 700, cost: 0.002 });
  });

  it('is never asked when it could go over a budget', async () => {
    let asked = 0;
    const { host } = hostWith(
      { tokens: 1_999 },
      model(async () => {
        asked += 1;
        return { answers: [], used: {} };
      }),
    );
    await expect(host.call(...ask)).rejects.toMatchObject({
      code: 'budget_exhausted',
      budget: 'tokens',
      asked: 2_000,
    });
    expect(asked).toBe(0);
  });

  it('that fails is counted whole, as nobody knows what it took', async () => {
    const { host, budget } = hostWith(
      {},
      model(async () => {
        throw new Error('away');
      }),
    );
    await expect(host.call(...ask)).rejects.toThrow('away');
    expect(budget.spent()).toMatchObject({ modelCalls: 2, tokens: 2_000 });
  });
});

describe('updateAnswer', () => {
  const draft = {
    verdict: 'repetition',
    confidence: 0.8,
    summary: 'The same is said. Over and over.',
    evidence: [{ handle: 'ctx://s/0000', turns: [3, 1, 1] }],
  };

  it('takes handles and turns that are there, in any order, and what it was given last stands', async () => {
    const { host } = hostWith();
    const program = new Watched(host);
    expect(await program.call('updateAnswer', [{ ...draft, verdict: 'stall' }])).toBeNull();
    expect(await program.call('updateAnswer', [draft])).toBeNull();
    expect(program.claim).toEqual(draft);
  });

  const withEvidence = (evidence: unknown): object => ({ ...draft, evidence });
  it.each([
    ['a verdict of its own', { ...draft, verdict: 'hacked' }, 'updateAnswer: answer.verdict: '],
    ['too much confidence', { ...draft, confidence: 1.1 }, 'updateAnswer: answer.confidence: '],
    ['no summary', { ...draft, summary: '  ' }, 'updateAnswer: answer.summary: '],
    ['a field of its own', { ...draft, would_close: true }, 'would_close'],
    ['a prototype', JSON.parse(`{"__proto__": {}, ${JSON.stringify(draft).slice(1)}`), '__proto__'],
    ['a loop without turns', withEvidence([]), 'answer.evidence: a loop needs the turns it rests on'],
    [
      'event ids of its own',
      withEvidence([{ handle: 'ctx://s/0000', turns: [1], event_ids: ['forged'] }]),
      'updateAnswer: answer.evidence[0]: Unrecognized key: "event_ids"',
    ],
    [
      'no such handle',
      withEvidence([{ handle: 'ctx://s/0099', turns: [1] }]),
      'evidence[0].handle: there is no such handle',
    ],
    [
      'a turn of another partition',
      withEvidence([{ handle: 'ctx://s/0000', turns: [4] }]),
      'evidence[0].turns: turn 4 is not in ctx://s/0000, which has turns 0 to 3',
    ],
    [
      'a turn that is not there',
      withEvidence([{ handle: 'ctx://s/0009', turns: [40] }]),
      'turn 40 is not in',
    ],
    [
      'turns before the first',
      withEvidence([{ handle: 'ctx://s/0000', turns: [-1] }]),
      'answer.evidence[0].turns[0]: ',
    ],
  ])('refuses %s, naming field and rule, and keeps the answer before it', async (_, wrong, message) => {
    const program = new Watched(hostWith().host);
    await program.call('updateAnswer', [{ verdict: 'none', confidence: 0.5, summary: 'No. Nothing.' }]);
    await expect(program.call('updateAnswer', [wrong])).rejects.toThrow(message);
    expect(program.claim?.verdict).toBe('none');
  });

  it('takes a turn that was cut wherever a part of it is', async () => {
    const cut = await Context.of('l', [{ speaker: 'b', text: 'word '.repeat(5_000), eventId: 'e0' }]);
    const host = new NavigationHost({ context: cut, budget: new Budget(), model: null });
    for (const handle of cut.handles)
      expect(await host.call('updateAnswer', [{ ...draft, evidence: [{ handle, turns: [0] }] }])).toBeNull();
    expect(cut.handles.length).toBeGreaterThan(2);
  });
});

describe('budgets of programs', () => {
  it('hold for calls in a row and side by side', async () => {
    const { host, budget } = hostWith({ steps: 5 });
    const ended = await Promise.allSettled(
      Array.from({ length: 20 }, () => host.call('peek', ['ctx://s/0000', 8])),
    );
    expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    expect(budget.spent().steps).toBe(5);
    const bytes = hostWith({ peekedBytes: 300 });
    await bytes.host.call('peek', ['ctx://s/0000', 0]);
    await expect(bytes.host.call('peek', ['ctx://s/0000', 8])).rejects.toMatchObject({
      budget: 'peekedBytes',
      bound: 300,
    });
    expect(bytes.budget.spent().peekedBytes).toBeLessThanOrEqual(300);
  });

  it('keep only so many recorded steps of each', async () => {
    const { host } = hostWith();
    for (let i = 0; i < 2; i++) {
      host.begin();
      const program = new Watched(host);
      for (let step = 0; step < 64; step++) await program.call('recordStep', [{ step }]);
      await expect(program.call('recordStep', [1])).rejects.toThrow('recordStep: 64 steps are kept at most');
      expect(program.steps).toEqual(Array.from({ length: 64 }, (_, step) => ({ step })));
    }
  });
});
