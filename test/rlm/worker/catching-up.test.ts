import { describe, expect, it } from 'vitest';
import { FulcrumError } from '../../../src/errors.js';
import type { SourceStanding } from '../../../src/ports.js';
import { until } from '../../processor/given.js';
import {
  loop,
  opened,
  said,
  standingOf,
  start,
  startAnalyser,
  unacknowledged,
  withoutPauses,
} from './given.js';

withoutPauses();

/** A log of 5 of which all analysers together have read so much, one step at each look; it grows meanwhile. */
function readTo(...steps: readonly number[]): {
  looks: () => number;
  standing: () => Promise<SourceStanding[]>;
} {
  let looks = 0;
  return {
    looks: () => looks,
    standing: async () => {
      const acknowledged = steps[Math.min(looks, steps.length - 1)] ?? 0;
      const last = 5 + looks++;
      return [{ source: 'interactions', acknowledged, last, delivered: last }];
    },
  };
}

describe('an analysis', () => {
  it('begins when all is kept that the log held when it was asked for, not what came after', async () => {
    const { looks, standing } = readTo(1, 3, 5);
    const { circuits, results } = startAnalyser(() => ({ standing }));
    await circuits.send([opened('said-4', start)]);
    await until(() => unacknowledged(circuits) === 0);
    expect(results).toHaveLength(1);
    expect(looks()).toBe(3);
  });

  it('begins without it after catchUpMs', async () => {
    const { looks, standing } = readTo(1);
    const { circuits, results } = startAnalyser(() => ({ standing, catchUpMs: 1_000 }));
    await circuits.send([opened('said-4', start)]);
    await until(() => unacknowledged(circuits) === 0);
    expect(results).toHaveLength(1);
    // Once every 100 ms.
    expect(looks()).toBeGreaterThanOrEqual(10);
    expect(looks()).toBeLessThanOrEqual(12);
  });

  it('begins after catchUpMs where it cannot be said how far the log is read', async () => {
    const standing = () => Promise.reject(new FulcrumError('unavailable', 'the broker is away'));
    const { circuits, results, running } = startAnalyser(() => ({ standing, catchUpMs: 1_000 }));
    await circuits.send([opened('said-4', start)]);
    await until(() => unacknowledged(circuits) === 0);
    expect(results).toHaveLength(1);
    await expect(Promise.race([running, 'it runs'])).resolves.toBe('it runs');
  });

  it('hears what is read while it waits', async () => {
    const [rest, ...first] = [said(loop(), start - 60).slice(1), ...said(loop(1), start - 60)];
    let looks = 0;
    const given = startAnalyser(({ interactions }) => ({
      standing: async () => {
        if (looks++ === 0) await interactions.send(rest);
        return [
          {
            source: 'interactions',
            acknowledged: standingOf(interactions)[0]?.acknowledged ?? 0,
            last: 5,
            delivered: 5,
          },
        ];
      },
    }));
    await given.interactions.send(first);
    await given.circuits.send([opened('said-4', start - 56)]);
    await until(() => unacknowledged(given.circuits) === 0);
    expect(given.results).toMatchObject([{ verdict: 'repetition' }]);
    expect(given.results[0]?.evidence[0]?.turns).toEqual([0, 1, 2, 3, 4]);
  });
});
