import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { AnalysisResult, Verdict } from '../../src/rlm/result.js';
import type { Turn } from '../../src/rlm/transcript.js';
import { analysisOf } from './transcripts.js';

/** Written by somebody who did not know the rules; of a loop, its first and its last turn. */
interface Written {
  readonly id: string;
  readonly turns: readonly Turn[];
  readonly label: Verdict;
  readonly from: number | null;
  readonly to: number | null;
}

const written = readFileSync(new URL('./written.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Written);

async function analysed(): Promise<readonly (Written & Pick<AnalysisResult, 'verdict' | 'evidence'>)[]> {
  return Promise.all(
    written.map(async (one) => {
      const { verdict, evidence } = await analysisOf(one.turns);
      return { ...one, verdict, evidence };
    }),
  );
}

it('takes none of 30 sessions that get on for a loop, and finds 26 of 40 loops where they are', async () => {
  const all = await analysed();
  const getOn = all.filter(({ label }) => label === 'none');
  expect(getOn).toHaveLength(30);
  expect(getOn.filter(({ verdict }) => verdict !== 'none').map(({ id }) => id)).toEqual([]);
  const found = all.filter(({ label, verdict }) => label !== 'none' && verdict !== 'none');
  // The others are worded anew each time, and take judgement: a model finds them.
  expect(found.length).toBeGreaterThanOrEqual(26);
  for (const { id, from, to, evidence } of found) {
    const turns = evidence.flatMap((one) => one.turns);
    const inside = turns.filter((turn) => turn >= (from ?? 0) && turn <= (to ?? 0));
    expect(inside.length / turns.length, id).toBeGreaterThanOrEqual(0.5);
  }
});
