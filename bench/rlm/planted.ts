import { type AnalysisResult, analyzeTranscript, handleOf, Partitioner } from 'fulcrum-trust/rlm';
import type { Turn } from '../../src/rlm/transcript.js';
import { type Baseline, headTail, phraseScorer } from './baselines.js';
import { type LoopKind, loopKinds } from './loops.js';
import { background, loop, type Planted, plant } from './session.js';

export const positions = [0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98] as const;
const session = 'bench';
const baselines: readonly Baseline[] = [headTail, phraseScorer];

/** What became of one planted loop. */
export interface PlantedRun {
  readonly kind: LoopKind;
  readonly position: number;
  readonly tokens: number;
  readonly seconds: number;
  readonly found: boolean;
  /** Does the first handle lie in the loop, and every turn of it? */
  readonly handleRight: boolean;
  readonly verdictRight: boolean;
  /** What each baseline said, by its name. */
  readonly beside: Readonly<Record<string, boolean>>;
}

/**
 * Plants loops in one background of so many tokens: every kind at every position, or, where that would take too
 * long, `kindsEach` of them at each position in turn.
 */
export async function* plantedRuns(
  tokens: number,
  seed: number,
  kindsEach: number,
): AsyncGenerator<PlantedRun> {
  const around = [...background(seed, tokens)];
  let next = 0;
  for (const position of positions)
    for (let i = 0; i < Math.min(kindsEach, loopKinds.length); i++) {
      const kind = loopKinds[next++ % loopKinds.length] as LoopKind;
      yield await run(plant(around, loop(seed + next, kind), position), kind, position);
    }
}

async function run(planted: Planted, kind: LoopKind, position: number): Promise<PlantedRun> {
  const started = performance.now();
  const result = await analyze(planted.turns);
  const seconds = (performance.now() - started) / 1_000;
  const { tokens, handles } = handlesOf(planted);
  const [evidence] = result.evidence;
  const inLoop = (turn: number): boolean => turn >= planted.firstTurn && turn <= planted.lastTurn;
  return {
    kind,
    position,
    tokens,
    seconds,
    found: isLoop(result),
    handleRight: evidence !== undefined && handles.has(evidence.handle) && evidence.turns.some(inLoop),
    verdictRight: (kind.verdicts as readonly string[]).includes(result.verdict),
    beside: Object.fromEntries(baselines.map(({ name, detects }) => [name, detects(planted.turns)])),
  };
}

export function isLoop({ verdict }: AnalysisResult): boolean {
  return verdict !== 'none' && verdict !== 'inconclusive';
}

export function analyze(turns: readonly Turn[]): Promise<AnalysisResult> {
  return analyzeTranscript({ id: session, session, turns }, { tokenBudget: 20_000_000 });
}

/** The handles of the partitions in which turns of the loop begin. */
function handlesOf({ turns, firstTurn, lastTurn }: Planted): { tokens: number; handles: Set<string> } {
  const partitioner = new Partitioner(session, { tokenBudget: 20_000_000 });
  const handles = new Set<string>();
  turns.forEach(({ text }, turn) => {
    const partition = partitioner.place(text);
    if (turn >= firstTurn && turn <= lastTurn) handles.add(handleOf(session, partition));
  });
  return { tokens: partitioner.tokens, handles };
}

/** How many of `count` loop-free sessions are taken for loops, and what by. */
export async function falseAlarms(
  tokens: number,
  seed: number,
  count: number,
): Promise<{ ours: AnalysisResult[]; beside: Record<string, number> }> {
  const ours: AnalysisResult[] = [];
  const beside: Record<string, number> = Object.fromEntries(baselines.map(({ name }) => [name, 0]));
  for (let i = 0; i < count; i++) {
    const turns = [...background(seed + i, tokens)];
    const result = await analyze(turns);
    if (isLoop(result)) ours.push(result);
    for (const { name, detects } of baselines) if (detects(turns)) beside[name] = (beside[name] ?? 0) + 1;
  }
  return { ours, beside };
}
