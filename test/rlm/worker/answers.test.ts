import { describe, expect, it } from 'vitest';
import { analysisId } from '../../../src/events/analysis.js';
import { eventTypes } from '../../../src/events/schemas.js';
import { until } from '../../processor/given.js';
import {
  asked,
  event,
  type Given,
  loop,
  opened,
  pairId,
  progress,
  resultOf,
  said,
  start,
  startAnalyser,
  tenant,
  unacknowledged,
  withoutPauses,
} from './given.js';

withoutPauses();

/** Sends what was said, waits until it is kept, asks, and gives the first result. */
async function answerTo(given: Given, question: ReturnType<typeof asked>, by: 'circuits' | 'requests') {
  await until(() => unacknowledged(given.interactions) === 0);
  await given[by].send([question]);
  await until(() => unacknowledged(given[by]) === 0);
  const [result, ...more] = given.results;
  expect(more).toEqual([]);
  if (result === undefined) throw new Error('there is no result');
  return result;
}

describe('a circuit that opened', () => {
  it('is analysed, published, kept and acknowledged', async () => {
    const given = startAnalyser();
    await given.interactions.send(said(loop(), start - 60));
    const result = await answerTo(given, opened('said-4', start - 56), 'circuits');
    const circuit = `${tenant}/${pairId}/${(start - 56) * 1_000}`;
    expect(result).toMatchObject({
      id: analysisId(tenant, pairId, circuit),
      verdict: 'repetition',
      tenant,
      pair_id: pairId,
      agent_a: 'ann',
      agent_b: 'bob',
      session_id: 'default',
      asked_by: circuit,
      at: start,
      tokens: 0,
    });
    expect(result.evidence[0]?.event_ids).toEqual(['said-0', 'said-1', 'said-2', 'said-3', 'said-4']);
    expect(given.sent).toMatchObject([{ channel: 'analyses', id: result.id, tenant, key: pairId }]);
    expect(await given.analyses.latest(tenant, pairId)).toMatchObject({
      askedBy: circuit,
      session: 'default',
      at: start,
      result: { id: result.id, verdict: 'repetition' },
    });
  });

  it('is analysed by the session in which its cause was said, whichever spoke last', async () => {
    const given = startAnalyser();
    await given.interactions.send([
      ...said(loop(), start - 60, { id: 'first', session_id: 'first' }),
      ...said(progress, start - 58, { id: 'second', session_id: 'second' }),
    ]);
    const result = await answerTo(given, opened('first-4', start - 56), 'circuits');
    expect(result).toMatchObject({ session_id: 'first', verdict: 'repetition' });
  });

  it('is analysed by the session that spoke last where its cause said nothing', async () => {
    const given = startAnalyser();
    await given.interactions.send([
      ...said(loop(), start - 60, { id: 'first', session_id: 'first' }),
      ...said(progress, start - 58, { id: 'second', session_id: 'second' }),
    ]);
    const result = await answerTo(given, opened('without content', start - 55), 'circuits');
    expect(result).toMatchObject({ session_id: 'second', verdict: 'none' });
  });

  it('of which nothing is kept is inconclusive, and says so', async () => {
    const result = await answerTo(startAnalyser(), opened('said-0', start - 60), 'circuits');
    expect(result).toMatchObject({
      verdict: 'inconclusive',
      session_id: null,
      would_close: false,
      evidence: [],
    });
    expect(result.summary).toContain('nothing is kept of what the pair said');
  });

  it('is the only circuit event that is analysed', async () => {
    const given = startAnalyser();
    await given.circuits.send([
      opened('said-0', start - 60, { type: 'half_opened', to: 'HALF_OPEN', cause: { kind: 'recovery' } }),
      opened('said-0', start - 59, { type: 'closed', to: 'CLOSED' }),
      { body: Buffer.from('no event'), headers: {} },
    ]);
    await until(() => unacknowledged(given.circuits) === 0);
    expect(given.sent).toEqual([]);
  });
});

describe('a request', () => {
  it('is answered by the session that spoke last', async () => {
    const given = startAnalyser();
    await given.interactions.send([
      ...said(progress, start - 90, { id: 'first', session_id: 'first' }),
      ...said(loop(), start - 60, { id: 'second', session_id: 'second' }),
    ]);
    const result = await answerTo(given, asked(), 'requests');
    expect(result).toMatchObject({ session_id: 'second', verdict: 'repetition' });
  });

  it('is answered by the session that it names', async () => {
    const given = startAnalyser();
    await given.interactions.send([
      ...said(progress, start - 90, { id: 'first', session_id: 'first' }),
      ...said(loop(), start - 60, { id: 'second', session_id: 'second' }),
    ]);
    const result = await answerTo(given, asked({ session_id: 'first' }), 'requests');
    expect(result).toMatchObject({ session_id: 'first', verdict: 'none' });
  });

  it('for a session that is not kept is inconclusive, and names it', async () => {
    const given = startAnalyser();
    await given.interactions.send(said(loop(), start - 60));
    const result = await answerTo(given, asked({ session_id: 'another' }), 'requests');
    expect(result).toMatchObject({ verdict: 'inconclusive', session_id: null });
    expect(result.summary).toContain('nothing is kept of what the pair said in session another');
  });

  it('may name the agents in either order', async () => {
    const given = startAnalyser();
    await given.interactions.send(said(loop(), start - 60));
    const result = await answerTo(given, asked({ agent_a: 'bob', agent_b: 'ann' }), 'requests');
    expect(result).toMatchObject({ verdict: 'repetition', pair_id: pairId });
  });

  it('of another tenant hears nothing of what the pair of that name said here', async () => {
    const given = startAnalyser();
    await given.interactions.send(said(loop(), start - 60));
    const result = await answerTo(given, asked({ tenant: 'acme' }), 'requests');
    expect(result).toMatchObject({ tenant: 'acme', verdict: 'inconclusive' });
  });

  it('that is none becomes a dead letter which says why, and the next is answered', async () => {
    const given = startAnalyser();
    await given.interactions.send(said(loop(), start - 60));
    await until(() => unacknowledged(given.interactions) === 0);
    await given.requests.send([
      event({
        specversion: '1.0',
        id: 'r-1',
        source: 'x',
        type: eventTypes.analysisRequested,
        data: { agent_a: 'ann' },
      }),
      { body: Buffer.from('{"agent_a": '), headers: {} },
      asked(),
    ]);
    await until(() => unacknowledged(given.requests) === 0);
    expect(given.results).toMatchObject([{ verdict: 'repetition' }]);
    const letters = given.sent.filter(({ channel }) => channel === 'dead-letters');
    expect(letters.map(({ headers }) => [headers['dlq-reason'], headers['dlq-detail']])).toEqual([
      ['invalid_event', 'data.agent_b is required'],
      ['invalid_json', expect.any(String)],
    ]);
  });

  it('that waits for its sender is refused to that sender, without a dead letter', async () => {
    const given = startAnalyser();
    const settled = await new Promise((resolve, reject) => {
      given.requests.send([{ ...event({ agent_a: 'ann' }), settle: resolve }]).catch(reject);
    });
    expect(settled).toMatchObject({ kind: 'rejected', rejection: { field: 'agent_b' } });
    await until(() => unacknowledged(given.requests) === 0);
    expect(given.sent).toEqual([]);
  });

  it('lies beside results, which are passed over', async () => {
    const first = startAnalyser();
    const result = await answerTo(first, asked(), 'requests');
    const given = startAnalyser();
    await given.requests.send([resultOf(result)]);
    await until(() => unacknowledged(given.requests) === 0);
    expect(given.sent).toEqual([]);
    expect(await given.analyses.latest(tenant, pairId)).toBeNull();
  });
});
