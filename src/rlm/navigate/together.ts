/** What the rules and a model come to together. docs/rlm-models.md has it as a table. */
import { type Conclusion, evidenceOf, inconclusive, round, wentOn } from '../combine.js';
import { type LoopVerdict, mostEvidence, mostSummaryLength } from '../result.js';
import type { Finding } from './claim.js';
import { quoted } from './data.js';

/** Confidence at most of what a model says and the rules do not find in the very turns that it names. */
export const mostAlone = 0.7;
/** Confidence at most of a loop that the rules found and the model takes for none. */
export const mostDisputed = 0.5;
const most = 0.95;
const mostReason = 300;

/** Where the two were looking. */
export interface Looked {
  readonly session: string;
  /** Of the transcript. */
  readonly turns: number;
}

/**
 * One conclusion of two. A loop that the rules measured stays one, whatever the model says: a transcript can talk a
 * model into anything, but not the words out of its own turns. A loop that only the model sees counts, and less. A model
 * that failed gives `inconclusive`.
 */
export function together(rules: Conclusion, model: Finding, looked: Looked): Conclusion {
  if (rules.verdict === 'inconclusive') return rules;
  if (model.kind === 'failed') return noVerdict(rules, model.reason);
  if (rules.verdict === 'none')
    return model.kind === 'none' ? bothNone(rules, model) : onlyModel(model, looked);
  return model.kind === 'none' ? disputed(rules, model) : bothLoops(rules, model, looked);
}

function noVerdict(rules: Conclusion, reason: string): Conclusion {
  const found = rules.verdict === 'none' ? 'no loop' : `${rules.verdict}${spanOf(rules)}`;
  return inconclusive(
    `The model came to no verdict: ${reason}`.slice(0, mostSummaryLength - 200).toWellFormed() +
      `. The rules alone found ${found} (confidence ${rules.confidence}).`,
  );
}

function spanOf(rules: Conclusion): string {
  const [first, last] = range(rules.evidence.flatMap(({ turns }) => turns));
  return ` from turn ${first} to turn ${last}`;
}

function bothNone(rules: Conclusion, model: Finding & { kind: 'none' }): Conclusion {
  return {
    ...rules,
    confidence: round(Math.min(most, Math.max(rules.confidence, model.confidence))),
    summary: and(rules.summary, `the model found none either (${quoted(model.reason, mostReason)})`),
  };
}

function disputed(rules: Conclusion, model: Finding & { kind: 'none' }): Conclusion {
  return {
    ...rules,
    confidence: Math.min(mostDisputed, rules.confidence),
    summary: and(
      rules.summary,
      `the model does not take it for a loop (${quoted(model.reason, mostReason)})`,
    ),
  };
}

function bothLoops(
  rules: Conclusion,
  model: Finding & { kind: 'loop' },
  { session, turns }: Looked,
): Conclusion {
  const ofRules = range(rules.evidence.flatMap((one) => one.turns));
  const ofModel = range(model.marks.map(({ turn }) => turn));
  const reason = quoted(model.reason, mostReason);
  const over = rules.would_close && wentOn(ofModel, turns);
  if (ofRules[0] <= ofModel[1] && ofModel[0] <= ofRules[1])
    return {
      ...rules,
      // Two that look differently at the same turns; half of what the model is sure of counts as new.
      confidence: round(Math.min(most, 1 - (1 - rules.confidence) * (1 - model.confidence / 2))),
      summary: and(
        rules.summary,
        model.verdict === rules.verdict
          ? `the model agrees (${reason})`
          : `the model finds ${model.verdict} there (${reason})`,
      ),
      would_close: over,
    };
  return {
    ...rules,
    evidence: [...rules.evidence, ...evidenceOf(model.marks, session)].slice(0, mostEvidence),
    summary: and(
      rules.summary,
      `the model finds ${model.verdict} in turns ${ofModel[0]} to ${ofModel[1]} (${reason})`,
    ),
    would_close: over,
  };
}

const said: Record<LoopVerdict, string> = {
  repetition: 'the same said again',
  ping_pong: 'one matter handed back and forth',
  cycle: 'the same turns coming round',
  gratitude: 'thanks and farewells without end',
  agreement: 'agreement that adds nothing',
  error_retry: 'the same tried again and failing',
  stall: 'nothing new said',
};

function onlyModel(model: Finding & { kind: 'loop' }, { session, turns }: Looked): Conclusion {
  const [first, last] = range(model.marks.map(({ turn }) => turn));
  const grounds = model.supported
    ? 'the rules find a loop in these turns alone'
    : 'no rule finds a loop there';
  return {
    verdict: model.verdict,
    confidence: round(Math.min(model.supported ? most : mostAlone, model.confidence)),
    summary:
      `The model found ${said[model.verdict]} in ${model.marks.length} turns, from turn ${first} to turn ${last} of ` +
      `${turns}; ${grounds}. Its reason: ${quoted(model.reason, mostReason)}.`,
    evidence: evidenceOf(model.marks, session),
    would_close: wentOn([first, last], turns),
  };
}

function range(turns: readonly number[]): readonly [first: number, last: number] {
  return [Math.min(...turns), Math.max(...turns)];
}

/** Said in the second of its two sentences. */
function and(summary: string, more: string): string {
  return `${summary.replace(/\.$/, '')}; ${more}.`;
}
