import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../../../src/events/delivered.js';
import { decodeInteraction } from '../../../src/events/interaction.js';
import { verdicts } from '../../../src/rlm/result.js';
import { outcomeOf } from '../../../src/rlm/worker/feedback.js';
import { delivered } from '../../helpers/delivered.js';
import { until } from '../../processor/given.js';
import {
  type Given,
  loop,
  opened,
  progress,
  said,
  start,
  startAnalyser,
  tenant,
  unacknowledged,
  withoutPauses,
} from './given.js';

withoutPauses();

async function openedAfter(given: Given, texts: readonly string[]): Promise<Given> {
  await given.interactions.send(said(texts, start - 60));
  await until(() => unacknowledged(given.interactions) === 0);
  await given.circuits.send([opened('said-4', start - 56)]);
  await until(() => unacknowledged(given.circuits) === 0);
  return given;
}

const interactionsOf = ({ sent }: Given) => sent.filter(({ channel }) => channel === 'interactions');
const feedback = { weight: 2.5 };

describe('a verdict', () => {
  it('is a failure where it is a loop, a success where it is none, and nothing where it is not known', () => {
    expect(verdicts.filter((verdict) => outcomeOf(verdict) === null)).toEqual(['inconclusive']);
    expect(verdicts.filter((verdict) => outcomeOf(verdict) === 'success')).toEqual(['none']);
  });

  it('is no outcome unless it is asked for', async () => {
    expect(interactionsOf(await openedAfter(startAnalyser(), loop()))).toEqual([]);
  });

  it.each([
    ['failure', 'repetition', loop()],
    ['success', 'none', progress],
  ] as const)(
    'becomes the outcome %s of %s, which the trust path accepts',
    async (outcome, verdict, texts) => {
      const given = await openedAfter(
        startAnalyser(() => ({ feedback })),
        texts,
      );
      const [message, ...more] = interactionsOf(given);
      expect(more).toEqual([]);
      const id = given.results[0]?.id;
      expect(message).toMatchObject({
        id: `${tenant}/rlm/${id}/outcome`,
        tenant,
        key: given.results[0]?.pair_id,
      });
      expect(JSON.parse(Buffer.from(message?.body ?? []).toString())).toMatchObject({
        source: 'rlm',
        data: { session_id: 'default', attributes: { verdict } },
      });
      const accepted = decodeInteraction(delivered(message?.body), defaultLimits);
      expect(accepted).toMatchObject({ outcome, weight: 2.5, time: start, agentA: 'ann', agentB: 'bob' });
    },
  );

  it('is no outcome where it is inconclusive', async () => {
    const given = startAnalyser(() => ({ feedback }));
    await given.circuits.send([opened('said-4', start - 56)]);
    await until(() => unacknowledged(given.circuits) === 0);
    expect(given.results).toMatchObject([{ verdict: 'inconclusive' }]);
    expect(interactionsOf(given)).toEqual([]);
  });

  it('of a circuit that an outcome of the analyser opened is analysed, and feeds nothing', async () => {
    const given = await openedAfter(
      startAnalyser(() => ({ feedback })),
      loop(),
    );
    await given.circuits.send([opened(`${given.results[0]?.id}/outcome`, start - 10)]);
    await until(() => unacknowledged(given.circuits) === 0);
    expect(given.results).toHaveLength(2);
    expect(interactionsOf(given)).toHaveLength(1);
  });

  it('is an outcome where an agent only named its own event like one of the analyser', async () => {
    const given = startAnalyser(() => ({ feedback }));
    await given.interactions.send(said(loop(), start - 60));
    await until(() => unacknowledged(given.interactions) === 0);
    await given.circuits.send([opened('analysis-0123456789abcdef0123456789abcdef/outcome', start - 56)]);
    await until(() => unacknowledged(given.circuits) === 0);
    expect(interactionsOf(given)).toHaveLength(1);
  });
});
