import { headTail, phraseScorer } from './baselines.js';
import { besideRun, type Serving } from './beside.js';
import { loopKinds } from './loops.js';
import { analyze, falseAlarms, isLoop, type PlantedRun, plantedRuns, positions } from './planted.js';
import { referenceFixture } from './reference.js';
import { partText, type Section, sizeText, table } from './section.js';
import { analyzeCommandRun } from './speed.js';

/** Sessions from this size on are so long that not every kind of loop is planted at every position. */
const longTokens = 5_000_000;

export async function plantedSection(sizes: readonly number[], seed: number): Promise<Section> {
  const runs = new Map<number, PlantedRun[]>();
  for (const tokens of sizes) {
    const own: PlantedRun[] = [];
    for await (const run of plantedRuns(tokens, seed, tokens >= longTokens ? 2 : loopKinds.length))
      own.push(run);
    runs.set(tokens, own);
  }
  const all = [...runs.values()].flat();
  const found = (some: readonly PlantedRun[]): string =>
    partText(some.filter((one) => one.found).length, some.length);
  const right = (some: readonly PlantedRun[]): string => {
    const hits = some.filter((one) => one.found);
    return partText(hits.filter((one) => one.handleRight).length, hits.length);
  };
  const named = (some: readonly PlantedRun[]): string => {
    const hits = some.filter((one) => one.found);
    return partText(hits.filter((one) => one.verdictRight).length, hits.length);
  };
  const beside = (some: readonly PlantedRun[], name: string): string =>
    partText(some.filter((one) => one.beside[name] === true).length, some.length);
  const row = (name: string, some: readonly PlantedRun[]): string[] => [
    name,
    ...[found(some), right(some), named(some), beside(some, headTail.name), beside(some, phraseScorer.name)],
  ];
  const heading = ['recall', 'handle right', 'verdict right', 'head-tail', 'phrase scorer'];
  return {
    title: 'Loops planted in long sessions: 10 kinds, 10 to 30 rounds each',
    lines: [
      ...table([
        ['tokens', ...heading],
        ...[...runs].map(([tokens, own]) => row(sizeText(tokens), own)),
        ['position', ...heading.map(() => '')],
        ...positions.map((position) =>
          row(
            String(position),
            all.filter((one) => one.position === position),
          ),
        ),
        ['kind', ...heading.map(() => '')],
        ...loopKinds.map((kind) =>
          row(
            kind.name,
            all.filter((one) => one.kind === kind),
          ),
        ),
      ]),
      'tokens read: all of them; head-tail: 8,192; phrase scorer: 0.8 of them. Tokens of a model: 0',
      ...[...runs].map(
        ([tokens, own]) =>
          `${sizeText(tokens)} tokens in ${median(own.map((one) => one.seconds)).toFixed(2)} s (median of ${own.length}, in memory)`,
      ),
    ],
    data: all.map(({ kind, ...rest }) => ({ kind: kind.name, ...rest })),
  };
}

export async function freeSection(
  sizes: readonly number[],
  seed: number,
  sessions: number,
): Promise<Section> {
  const smallest = Math.min(...sizes);
  const rows = [];
  const data = [];
  for (const tokens of sizes) {
    const count = Math.max(2, Math.round(sessions / Math.sqrt(tokens / smallest)));
    const most = tokens >= longTokens ? Math.min(count, 4) : count;
    const { ours, beside } = await falseAlarms(tokens, seed + 1_000, most);
    rows.push([
      sizeText(tokens),
      partText(ours.length, most),
      partText(beside[headTail.name] ?? 0, most),
      partText(beside[phraseScorer.name] ?? 0, most),
      ours.map(({ verdict, summary }) => `${verdict}: ${summary}`).join(' | '),
    ]);
    data.push({ tokens, sessions: most, ours, beside });
  }
  return {
    title:
      'Loop-free sessions taken for loops (one stretch in 16 is polling, batch work, polite progress, recaps, ...)',
    lines: table([['tokens', 'ours', 'head-tail', 'phrase scorer', ''], ...rows]),
    data,
  };
}

export async function referenceSection(): Promise<Section> {
  const rows = [];
  const data = [];
  for (const position of [null, ...positions]) {
    const turns = referenceFixture(110_000, position);
    const result = await analyze(turns);
    const said = [isLoop(result), headTail.detects(turns), phraseScorer.detects(turns)];
    rows.push([
      position === null ? 'no loop' : String(position),
      ...said.map((loop) => (loop ? 'loop' : 'none')),
      result.verdict,
    ]);
    data.push({ position, ours: result, headTail: said[1], phraseScorer: said[2] });
  }
  return {
    title: "The reference's own fixture, 110,000 tokens",
    lines: table([['position', 'ours', 'head-tail', 'phrase scorer', 'our verdict'], ...rows]),
    data,
  };
}

export async function speedSection(sizes: readonly number[], seed: number): Promise<Section> {
  const runs = [];
  for (const tokens of sizes) runs.push(await analyzeCommandRun(tokens, seed));
  return {
    title: '`analyze FILE --json`, a process of its own, start to end',
    lines: table([
      ['tokens', 'file MB', 'seconds', 'processor s', 'peak MiB', 'verdict'],
      ...runs.map((run) => [
        sizeText(run.tokens),
        run.megabytes.toFixed(1),
        run.seconds.toFixed(2),
        run.cpuSeconds.toFixed(2),
        run.peakResidentMiB.toFixed(0),
        run.verdict,
      ]),
    ]),
    data: runs,
  };
}

export async function besideSection(sizes: readonly number[], seed: number): Promise<Section> {
  const runs = [];
  for (const tokens of sizes) runs.push(await besideRun(tokens, seed));
  const row = (name: string, { seconds, longestTurnMs, p99TurnMs, interactions }: Serving): string[] => [
    name,
    ...[seconds.toFixed(1), p99TurnMs.toFixed(1), longestTurnMs.toFixed(1), String(interactions.count)],
    ...[interactions.p50, interactions.p99, interactions.max].map((ms) => ms.toFixed(1)),
  ];
  return {
    title:
      '`up` while its analyser reads one session: turns of the event loop, and interactions answered, ms',
    lines: table([
      ['', 'seconds', 'turn p99', 'longest', 'interactions', 'p50', 'p99', 'longest'],
      ...runs.flatMap(({ tokens, idle, analysing }) => [
        row(`${sizeText(tokens)} tokens kept, idle`, idle),
        row(`${sizeText(tokens)} tokens, analysing`, analysing),
      ]),
    ]),
    data: runs,
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
