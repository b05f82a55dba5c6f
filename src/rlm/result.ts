import { z } from 'zod';

/** What an analysis can come to. docs/rlm.md says what each means. */
export const verdicts = [
  'repetition',
  'ping_pong',
  'cycle',
  'gratitude',
  'agreement',
  'error_retry',
  'stall',
  'none',
  'inconclusive',
] as const;
/** Schema of a verdict. */
export const verdictSchema = z.enum(verdicts);
/** Which loop was found, `none`, or `inconclusive`. */
export type Verdict = z.infer<typeof verdictSchema>;

/** A verdict that says that there is a loop, and which. */
export type LoopVerdict = Exclude<Verdict, 'none' | 'inconclusive'>;

/** Turns of one piece of evidence at most; a loop of more is told by its first and its last ones. */
export const mostEvidenceTurns = 64;
export const mostEvidence = 8;
export const mostExcerptLength = 600;
export const mostSummaryLength = 1_000;

/** Schema of a piece of evidence. */
export const evidenceSchema = z.strictObject({
  /** Of the partition in which `turns[0]` begins. */
  handle: z.string().regex(/^ctx:\/\/[^/]*\/\d{4,}$/),
  /** Counted from 0, ascending. */
  turns: z.array(z.int().min(0)).min(1).max(mostEvidenceTurns),
  /** Of those of the turns that have one. */
  event_ids: z.array(z.string()).max(mostEvidenceTurns),
  /** What was said there, cut. */
  excerpt: z.string().max(mostExcerptLength),
});
/** Turns that a verdict rests on. */
export type Evidence = z.infer<typeof evidenceSchema>;

/** Schema of a result, which every result meets. */
export const resultSchema = z.strictObject({
  /** Of the analysis. */
  id: z.string().min(1),
  verdict: verdictSchema,
  /** 0 to 1: how sure the verdict is; of `none`, how sure it is that there is no loop. */
  confidence: z.number().min(0).max(1),
  /** Two sentences: what was found, and on what it rests. */
  summary: z.string().min(1).max(mostSummaryLength),
  evidence: z.array(evidenceSchema).max(mostEvidence),
  /**
   * Going by the transcript alone, could the circuit close again? True when no loop was found, or when the loop
   * is over: the talk went on to other things after it, for as many turns as the loop's own evidence, and at least
   * `recoveryTurns`. False while the loop is the last that happened, and whenever the verdict is `inconclusive`.
   * It is advice: the analysis closes nothing.
   */
  would_close: z.boolean(),
  /** Tokens of a model that the analysis used, prompts and answers; 0 without a model. */
  tokens: z.int().min(0),
  /** US dollars of that model; 0 without one. */
  cost: z.number().min(0),
  /** Of the recorded run; null where none was recorded. */
  trace_id: z.string().min(1).nullable(),
});
/** What an analysis came to. */
export type AnalysisResult = z.infer<typeof resultSchema>;
