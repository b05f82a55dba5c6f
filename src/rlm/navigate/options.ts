import type { AnalyzeOptions } from '../analyze.js';
import type { BudgetBounds } from '../budget.js';
import { defaultParameters, type Parameters } from '../detect/parameters.js';
import type { Model, ProgramLimits, RunProgram } from '../ports.js';
import { defaultProgramLimits } from '../program/limits.js';
import { runProgram } from '../program/run.js';
import type { AnalysisResult } from '../result.js';
import type { Transcript } from '../transcript.js';
import { type AnswerTokens, defaultAnswerTokens, defaultModelBounds } from './budget.js';

/** What an analysis with a model is made with. */
export interface ModelAnalysisOptions extends AnalyzeOptions {
  readonly model: Model;
  /** Tokens of an answer at most; a model that thinks before it answers needs more. @defaultValue 900 with a program, 200 of a sub-call */
  readonly answerTokens?: Partial<AnswerTokens>;
  /** What it may take that is to differ from `defaultModelBounds`. */
  readonly budget?: Partial<BudgetBounds>;
  /** Of each program, that are to differ from `defaultProgramLimits`. */
  readonly programLimits?: Partial<ProgramLimits>;
  /** Runs the programs. @defaultValue the sandbox */
  readonly run?: RunProgram;
  /** Folder of the traces, made if it is not there; null: none is written. @defaultValue null */
  readonly traces?: string | null;
  /** What is never written into a trace, wherever it stands. */
  readonly secrets?: readonly string[];
  /** Ends the analysis, which then rejects. */
  readonly signal?: AbortSignal;
}

/**
 * Reads a transcript once with the rules, then lets a model look where it wants, and says what both come to. What the
 * model fails at, an endpoint that stays away included, is a result: `inconclusive` with the reason.
 *
 * @throws ContextExhausted when it has more tokens than the budget
 * @throws GaveUp when the signal comes first
 */
export type AnalyzeWithModel = (
  transcript: Transcript,
  options: ModelAnalysisOptions,
) => Promise<AnalysisResult>;

/** Programs of one analysis at most. */
const mostRounds = 4;

/** The options of the part that asks the model, with nothing left open. */
export interface CompleteOptions {
  readonly model: Model;
  readonly rounds: number;
  readonly parameters: Parameters;
  readonly answerTokens: AnswerTokens;
  readonly budget: BudgetBounds;
  readonly programLimits: ProgramLimits;
  readonly run: RunProgram;
  readonly signal: AbortSignal | undefined;
}

export function completeOptions(options: ModelAnalysisOptions): CompleteOptions {
  const { model, parameters, answerTokens, budget, programLimits, run = runProgram, signal } = options;
  return {
    model,
    rounds: mostRounds,
    parameters: { ...defaultParameters, ...parameters },
    answerTokens: { ...defaultAnswerTokens, ...answerTokens },
    budget: { ...defaultModelBounds, ...budget },
    programLimits: { ...defaultProgramLimits, ...programLimits },
    run,
    signal,
  };
}
