import { readFileSync } from 'node:fs';
import type { ProgramEnd } from '../ports.js';
import { mostQuestionLength } from '../program/host.js';
import { cut, dataBlock } from './data.js';

const files = new Map<string, string>();

/** A prompt as it stands in `src/rlm/prompts`. */
export function promptFile(name: 'root' | 'sub'): string {
  const known = files.get(name);
  if (known !== undefined) return known;
  const text = readFileSync(new URL(`../prompts/${name}.md`, import.meta.url), 'utf8').trim();
  files.set(name, text);
  return text;
}

/** One program and what came of it, as the next one is written after it. */
export interface Round {
  /** null: there was none in the answer. */
  readonly program: string | null;
  readonly end: ProgramEnd;
  readonly steps: readonly unknown[];
}

const mostProgramShown = 1_200;
const mostStepShown = 1_500;
const mostStepsShown = 6_000;
const mostCauseShown = 300;

/** What the root model is asked for its next program. */
export function rootPrompt(description: string, rounds: readonly Round[], mostRounds: number): string {
  const left = mostRounds - rounds.length;
  return [
    description,
    ...rounds.map((round, i) => roundText(round, i + 1)),
    left === 1
      ? `Write program ${mostRounds}. It is the last: it has to call updateAnswer.`
      : `Write program ${rounds.length + 1} of ${mostRounds} at most.`,
  ].join('\n\n');
}

function roundText({ program, end, steps }: Round, number: number): string {
  const ended =
    end.kind === 'done' ? 'done, without an answer' : `${end.kind}: ${cut(end.cause, mostCauseShown)}`;
  return [
    ...(program === null ? [] : [dataBlock(`program ${number}`, cut(program, mostProgramShown))]),
    dataBlock(`how program ${number} ended`, ended),
    steps.length === 0
      ? `Program ${number} recorded no steps.`
      : dataBlock(`steps of program ${number}`, cut(steps.map(stepText).join('\n'), mostStepsShown)),
  ].join('\n');
}

function stepText(step: unknown): string {
  return cut(typeof step === 'string' ? step : (JSON.stringify(step) ?? 'nothing'), mostStepShown);
}

/** What a model is asked about one part of a transcript. */
export function subPrompt(question: string, handle: string, text: string): string {
  return [
    dataBlock('question', cut(question, mostQuestionLength)),
    dataBlock('part', `${handle}\n${text}`),
    'Answer the question of this part, as one JSON object.',
  ].join('\n');
}
