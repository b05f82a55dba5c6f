import { describe, expect, it } from 'vitest';
import type { ReplaySummary } from '../../src/runtime/replay-counter.js';
import { commandLine, type Ended, jsonLines } from '../helpers/cli.js';
import { bitcoinColumns as columns, bitcoinRatings as ratings } from '../helpers/shared.js';

const common = { events: 35_592, pairs: 5_858, everOpened: 312, halfOpened: 0, deadLetters: 0 };
const timed = { ...common, opened: 465, closed: 28, closedByTime: 437, openAtEnd: 0 };
const untimed = { ...common, opened: 396, closed: 202, closedByTime: 0, openAtEnd: 194 };

describe.skipIf(ratings === null)(
  'ratings of the Bitcoin OTC exchange, every rater folded into one agent',
  () => {
    const { fresh, run } = commandLine();
    const replay = (args: readonly string[] = []): Promise<Ended> =>
      run(['replay', ratings ?? '', ...columns, '--into-agent', 'community', '--json', ...args]);

    function summaryOf({ code, stdout, stderr }: Ended): Omit<ReplaySummary, 'eventsPerSecond'> {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const { eventsPerSecond, ...summary } = jsonLines<ReplaySummary>(stdout).at(-1) as ReplaySummary;
      expect(eventsPerSecond).toBeGreaterThan(0);
      return summary;
    }

    it('come to the figures of an independent implementation, with recovery by time', async () => {
      expect(summaryOf(await replay())).toEqual(timed);
    });

    it('come to the figures of the reference, without recovery by time', async () => {
      expect(summaryOf(await replay(['--no-timed-recovery']))).toEqual(untimed);
    });

    it.each([
      ['with', [], timed],
      ['without', ['--no-timed-recovery'], untimed],
    ])(
      'come to the same in a data folder %s recovery by time, and count there only once',
      async (_, flags, figures) => {
        const args = [...flags, '--data', fresh()];
        expect(summaryOf(await replay(args))).toEqual(figures);
        const again = await replay(args);
        expect(again.stderr).toContain(
          '35592 events were in the data folder already and did not count again',
        );
        expect(jsonLines(again.stdout).at(-1)).toMatchObject({
          events: 0,
          opened: 0,
          openAtEnd: figures.openAtEnd,
        });
      },
    );

    it('print every circuit event that is asked for, before the summary', async () => {
      const { stdout } = await replay(['--events']);
      const lines = jsonLines(stdout);
      expect(lines).toHaveLength(timed.opened + timed.closed + timed.closedByTime + 1);
      expect(lines[0]).toMatchObject({ type: 'fulcrum.trust.circuit.opened.v1' });
      expect(lines.at(-1)).toMatchObject(timed);
    });
  },
);
