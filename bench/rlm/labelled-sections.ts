import { exactCycle, headTail, phraseScorer, sameLongTurnThrice, sameTurnThrice } from './baselines.js';
import { bySource, type Labelled } from './labelled.js';
import { Random } from './random.js';
import { type Counts, countsOf, f1, f1Of, precision, recall } from './score.js';
import { type Section, shareText, table } from './section.js';
import { grid, neighbours, type Setting, saidOf, validate } from './validate.js';

type Pair = readonly [said: boolean, so: boolean];

export async function labelledSection(rows: readonly Labelled[]): Promise<Section> {
  const ours = await saidOf(rows, {});
  const lines: string[][] = [
    ['source, rule', 'hit', 'missed', 'false', 'quiet', 'precision', 'recall', 'F1'],
  ];
  const data: unknown[] = [];
  const rules: readonly [string, readonly boolean[]][] = [
    ['ours', ours],
    ...[sameTurnThrice, sameLongTurnThrice, exactCycle, headTail, phraseScorer].map(
      ({ name, detects }) => [name, rows.map(({ turns }) => detects(turns))] as [string, boolean[]],
    ),
  ];
  for (const [source, own] of bySource(rows))
    for (const [rule, said] of rules) {
      const pairs: Pair[] = own.map((row) => [said[rows.indexOf(row)] as boolean, row.label_loop]);
      const counts = countsOf(pairs);
      const scores = {
        precision: precision(counts),
        recall: recall(counts),
        f1: f1(pairs, seeded()),
      };
      lines.push([
        rule === 'ours' ? `${source}: ours` : `  ${rule}`,
        ...[counts.hits, counts.misses, counts.falseAlarms, counts.rightlyQuiet].map(String),
        ...[scores.precision, scores.recall, scores.f1].map(shareText),
      ]);
      data.push({ source, rule, counts, ...scores });
    }
  return {
    title: `Labelled transcripts, ${rows.length} of them, with 95 % intervals`,
    lines: table(lines),
    data,
  };
}

/** What rules whose numbers are picked without the rows that they judge come to. */
export async function crossSection(rows: readonly Labelled[]): Promise<Section> {
  // The generated rows are easy, and would drown the rest.
  const real = rows.filter(({ source }) => !source.includes('synthetic'));
  const said = new Map<Setting, boolean[]>();
  for (const setting of grid) said.set(setting, await saidOf(real, setting));
  const random = new Random(7);
  const order = new Map(real.map((row) => [row, random.next()]));
  const shuffled = [...real].sort((a, b) => (order.get(a) as number) - (order.get(b) as number));
  const fold = new Map(shuffled.map((row, i) => [row, String(i % 10)]));
  const folds = validate(real, said, (row) => fold.get(row) as string);
  const sources = validate(real, said, ({ source }) => source);
  return {
    title: `Cross-validation over ${grid.length} settings`,
    lines: [
      ...table([
        ['left out, source', 'hit', 'missed', 'false', 'quiet', 'F1'],
        ...[...folds.left].map(([source, counts]) => countsRow(`one of 10 folds, ${source}`, counts)),
        ...[...sources.left].map(([source, counts]) => countsRow(`the source, ${source}`, counts)),
      ]),
      `F1 of the folds: ${spread(folds.folds)}`,
      `picked: ${[...folds.picked].map(([setting, times]) => `${times} times ${setting}`).join(', ')}`,
    ],
    data: {
      folds: { left: [...folds.left], scores: folds.folds, picked: [...folds.picked] },
      sources: { left: [...sources.left], picked: [...sources.picked] },
    },
  };
}

/** One number moved at a time: a plateau has about the same on both sides. */
export async function sweepSection(rows: readonly Labelled[]): Promise<Section> {
  const real = rows.filter(({ source }) => !source.includes('synthetic'));
  const sources = [...bySource(real)];
  const lines: string[][] = [['setting', ...sources.map(([source]) => source)]];
  const data: unknown[] = [];
  for (const setting of [{}, ...Object.values(neighbours).flat()]) {
    const said = await saidOf(real, setting);
    const cells = sources.map(([source, own]) => {
      const counts = countsOf(
        own.map((row) => [said[real.indexOf(row)] as boolean, row.label_loop] as const),
      );
      data.push({ setting, source, counts });
      const score = f1Of(counts);
      return `${score === null ? '' : `F1 ${score.toFixed(3)}, `}${counts.falseAlarms} false`;
    });
    lines.push([JSON.stringify(setting).replace(/[{}"]/g, '') || 'the defaults', ...cells]);
  }
  return { title: 'One number moved at a time', lines: table(lines), data };
}

function countsRow(name: string, counts: Counts): string[] {
  const score = f1Of(counts);
  return [
    name,
    ...[counts.hits, counts.misses, counts.falseAlarms, counts.rightlyQuiet].map(String),
    score === null ? '-' : score.toFixed(3),
  ];
}

function spread(values: readonly number[]): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(
    values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1),
  );
  return `mean ${mean.toFixed(3)}, standard deviation ${deviation.toFixed(3)}, least ${Math.min(...values).toFixed(3)}, ${values.length} folds`;
}

function seeded(): () => number {
  const random = new Random(1);
  return () => random.next();
}
