/** The loop in which a model writes programs, and is shown what came of them. */
import { FulcrumError } from '../../errors.js';
import { GaveUp } from '../../retry.js';
import type { ModelRequest, ProgramEnd, ProgramHost, ProgramLimits, RunProgram } from '../ports.js';
import type { Draft } from '../program/draft.js';
import type { Finding } from './claim.js';
import { programOf } from './program-of.js';
import { promptFile, type Round, rootPrompt } from './prompts.js';
import type { TraceSink } from './trace.js';
import { Watched } from './watched.js';

export interface RoundLimits {
  /** Programs at most. */
  readonly rounds: number;
  /** Tokens of an answer that holds one. */
  readonly rootAnswerTokens: number;
}

/** What the loop does things with: the real ones, or those of a recorded run. */
export interface Surroundings {
  /** @throws FulcrumError, GaveUp */
  askRoot(request: ModelRequest): Promise<string>;
  /** Serves the next program. */
  nextHost(): ProgramHost;
  readonly run: RunProgram;
  /** Of the next program: the less time is left, the less it has. */
  programLimits(): ProgramLimits;
  check(claim: Draft): Finding;
  readonly trace: TraceSink;
  readonly signal?: AbortSignal;
}

/**
 * Lets the model write programs until one ends by itself with an answer. A program that fails is told to the model,
 * which may write a better one; one that had to be ended, and a model that cannot be asked, end the run.
 *
 * @throws GaveUp when the signal comes first
 */
export async function findingOf(
  description: string,
  { rounds: most, rootAnswerTokens }: RoundLimits,
  surroundings: Surroundings,
): Promise<Finding> {
  const rounds: Round[] = [];
  let why = '';
  while (rounds.length < most) {
    const request = {
      system: promptFile('root'),
      user: rootPrompt(description, rounds, most),
      maxAnswerTokens: rootAnswerTokens,
    };
    const answer = await answerTo(request, surroundings);
    if (answer instanceof FulcrumError) return { kind: 'failed', reason: answer.message };
    const found = programOf(answer);
    if (found.kind === 'none') {
      why = found.why;
      rounds.push({ program: null, end: { kind: 'failed', cause: why }, steps: [] });
      continue;
    }
    const { end, watched } = await runOne(found.program, rounds.length + 1, surroundings);
    if (end.kind === 'killed') return { kind: 'failed', reason: `its program was ended: ${end.cause}` };
    if (end.kind === 'done' && watched.claim !== null) return surroundings.check(watched.claim);
    why = end.kind === 'done' ? 'its program gave no answer' : `its program failed: ${end.cause}`;
    rounds.push({ program: found.program, end, steps: watched.steps });
  }
  return { kind: 'failed', reason: `${why} (of ${most} programs at most it was the last)` };
}

async function answerTo(request: ModelRequest, { askRoot }: Surroundings): Promise<string | FulcrumError> {
  try {
    return await askRoot(request);
  } catch (error) {
    if (error instanceof FulcrumError) return error;
    throw error;
  }
}

async function runOne(
  program: string,
  round: number,
  { nextHost, run, programLimits, trace, signal }: Surroundings,
): Promise<{ end: ProgramEnd; watched: Watched }> {
  trace.write({ kind: 'program', round, program });
  const watched = new Watched(nextHost());
  const started = performance.now();
  const end = await run(program, watched, programLimits(), signal);
  if (signal?.aborted === true) throw new GaveUp('a navigation program: given up while it ran');
  trace.write({ kind: 'ended', round, end: { ...end }, ms: since(started) });
  return { end, watched };
}

/** Milliseconds from a moment of `performance.now()`, to a tenth. */
export function since(started: number): number {
  return Math.round((performance.now() - started) * 10) / 10;
}
