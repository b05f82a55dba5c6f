import { analyzeTranscript, type Parameters } from 'fulcrum-trust/rlm';
import { bySource, type Labelled } from './labelled.js';
import { isLoop } from './planted.js';
import { type Counts, countsOf, f1Of } from './score.js';

export type Setting = Partial<Parameters>;

/** What a setting says of each row, in the order of the rows. */
export async function saidOf(rows: readonly Labelled[], parameters: Setting): Promise<boolean[]> {
  const said: boolean[] = [];
  for (const { id, turns } of rows)
    said.push(
      isLoop(await analyzeTranscript({ id, session: id, turns }, { tokenBudget: 10_000_000, parameters })),
    );
  return said;
}

/** Settings of which a cross-validation picks: the numbers that bear on short transcripts, one step to either side. */
export const grid: readonly Setting[] = [0.3, 0.4, 0.5].flatMap((nearPairs) =>
  [0.1, 0.2, 0.3].flatMap((newShare) =>
    [8, 12, 16].flatMap((ownTurns) =>
      [3, 4].map((fewestRepeats) => ({ nearPairs, newShare, ownTurns, fewestRepeats })),
    ),
  ),
);

/** One number of the defaults moved at a time. */
export const neighbours: Readonly<Record<string, readonly Setting[]>> = {
  nearPairs: [0.2, 0.3, 0.5, 0.6].map((nearPairs) => ({ nearPairs })),
  nearContent: [0.4, 0.5, 0.7, 0.8].map((nearContent) => ({ nearContent })),
  newShare: [0.1, 0.15, 0.25, 0.3].map((newShare) => ({ newShare })),
  ownTurns: [6, 8, 16, 24].map((ownTurns) => ({ ownTurns })),
  recentTurns: [24, 36, 72, 96].map((recentTurns) => ({ recentTurns })),
  fewestRepeats: [2, 4, 5].map((fewestRepeats) => ({ fewestRepeats })),
  fewestPeriods: [2, 4, 5].map((fewestPeriods) => ({ fewestPeriods })),
  fewestThemed: [4, 6, 8].map((fewestThemed) => ({ fewestThemed })),
  fewestStalled: [6, 10, 12].map((fewestStalled) => ({ fewestStalled })),
  newTurnCosts: [2, 3, 6].map((newTurnCosts) => ({ newTurnCosts })),
  fewestWords: [3, 4, 6, 8].map((fewestWords) => ({ fewestWords })),
  besideTheme: [0.2, 0.4].map((besideTheme) => ({ besideTheme })),
  besideShort: [0.4, 0.6].map((besideShort) => ({ besideShort })),
  shortTurn: [8, 16].map((shortTurn) => ({ shortTurn })),
  slightWords: [0, 4].map((slightWords) => ({ slightWords })),
  shortTranscript: [50, 200].map((shortTranscript) => ({ shortTranscript })),
};

/** What a cross-validation came to. */
export interface Validation {
  /** Of the rows left out, each judged by the setting that was best on the others; by source. */
  readonly left: ReadonlyMap<string, Counts>;
  /** F1 of each fold that has loops. */
  readonly folds: readonly number[];
  /** How often each setting was picked. */
  readonly picked: ReadonlyMap<string, number>;
}

/** Rows in folds; `foldOf` says in which one a row is. The setting of most F1 on the other folds judges a fold. */
export function validate(
  rows: readonly Labelled[],
  said: ReadonlyMap<Setting, readonly boolean[]>,
  foldOf: (row: Labelled, index: number) => string,
): Validation {
  const folds = [...new Set(rows.map(foldOf))];
  const judged = new Map<Labelled, boolean>();
  const picked = new Map<string, number>();
  const scores: number[] = [];
  for (const fold of folds) {
    const inside = rows.map((row, i) => foldOf(row, i) === fold);
    const pairsOf = (setting: Setting, want: boolean): (readonly [boolean, boolean])[] =>
      rows.flatMap((row, i) =>
        inside[i] === want
          ? [[(said.get(setting) as readonly boolean[])[i] as boolean, row.label_loop] as const]
          : [],
      );
    const score = (setting: Setting): number => f1Of(countsOf(pairsOf(setting, false))) ?? 0;
    const best = [...said.keys()].reduce((a, b) => (score(b) > score(a) ? b : a));
    picked.set(JSON.stringify(best), (picked.get(JSON.stringify(best)) ?? 0) + 1);
    const of = f1Of(countsOf(pairsOf(best, true)));
    if (of !== null) scores.push(of);
    rows.forEach((row, i) => {
      if (inside[i] === true) judged.set(row, (said.get(best) as readonly boolean[])[i] as boolean);
    });
  }
  const left = new Map(
    [...bySource(rows)].map(([source, own]) => [
      source,
      countsOf(own.map((row) => [judged.get(row) as boolean, row.label_loop] as const)),
    ]),
  );
  return { left, folds: scores, picked };
}
