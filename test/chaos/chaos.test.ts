import { expect, it } from 'vitest';
import { describeWithServer } from '../servers/describe.js';
import { faultsNamed } from './faults.js';
import { type ChaosOptions, runChaos } from './rounds.js';

/** A short set; `npm run test:chaos` does all of them, as often as it is told. */
const short = {
  nats: ['kill-after-apply', 'kill-broker', 'lose-second', 'stop-before-publish'],
  kafka: ['kill-before-acknowledge', 'kill-broker', 'lose-second', 'kill-after-publish'],
};

const seed = 20;
/** Other tests run beside these. */
const recoverWithinMs = 60_000;

/** What came of as many rounds as there are faults. */
async function outcomeOf(
  source: ChaosOptions['source'],
  names: readonly string[],
  without?: ChaosOptions['without'],
) {
  const faults = faultsNamed(names);
  const { rounds, verdict, figures } = await runChaos({
    source,
    faults,
    rounds: faults.length,
    seed,
    without,
    recoverWithinMs,
  });
  return { reached: rounds.filter(({ injected }) => injected).length, verdict, figures };
}

for (const source of ['nats', 'kafka'] as const)
  describeWithServer(
    ['redis', source],
    `faults on ${source} and Redis`,
    () => {
      it('leave every event counted once and every transition published', async () => {
        const { reached, verdict, figures } = await outcomeOf(source, short[source]);
        expect(verdict).toMatchObject({ faults: [], tooMany: 0, tooFew: 0 });
        expect(reached).toBe(short[source].length);
        expect(figures.underChange).toBeGreaterThan(0);
      }, 180_000);
    },
    { own: true },
  );

describeWithServer(
  ['redis', 'nats'],
  'the fault tests themselves',
  () => {
    it('see events counted twice where positions are not kept', async () => {
      const { verdict } = await outcomeOf(
        'nats',
        ['kill-after-apply', 'kill-before-acknowledge'],
        'positions',
      );
      expect(verdict.tooMany).toBeGreaterThan(0);
    }, 120_000);

    it('see events lost where nothing is read again after a restart that lost writes', async () => {
      const { verdict } = await outcomeOf('nats', ['lose-second'], 'replay');
      expect(verdict.tooFew).toBeGreaterThan(0);
    }, 120_000);
  },
  { own: true },
);
